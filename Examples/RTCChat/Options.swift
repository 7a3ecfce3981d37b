import WebRTC

/// What the command line says.
struct Options {
  enum Side: String {
    case offer
    case answer
  }

  struct Usage: Error, CustomStringConvertible {
    let description = "Usage: rtc-chat offer|answer [--loopback] [--stun URI]"
  }

  let side: Side
  var configuration = PeerConnection.Configuration()

  init(_ arguments: some Sequence<String>) throws {
    var arguments = arguments.makeIterator()
    guard let side = arguments.next().flatMap(Side.init(rawValue:)) else { throw Usage() }
    self.side = side
    while let argument = arguments.next() {
      switch argument {
      case "--loopback":
        configuration.addresses = .addresses(["127.0.0.1"])
      case "--stun":
        guard let uri = arguments.next() else { throw Usage() }
        configuration.iceServers.append(try IceServer(uri))
      default:
        throw Usage()
      }
    }
  }
}
