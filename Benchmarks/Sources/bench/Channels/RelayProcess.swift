/// The UDP relay of the tests, between two peers.
final class RelayProcess {
  /// Where a peer sends to reach the other.
  struct Address: Sendable {
    let host: Substring
    let port: Substring

    init(_ text: Substring) {
      let colon = text.lastIndex(of: ":") ?? text.endIndex
      host = text[..<colon]
      port = text[colon...].dropFirst()
    }

    /// A description with this as the only address of who sent it.
    func replacingCandidates(of sdp: String) -> String {
      let kept = sdp.split(whereSeparator: \.isNewline)
        .filter { !$0.hasPrefix("a=candidate:") && !$0.hasPrefix("a=end-of-candidates") }
      return (kept.map(String.init) + ["a=\(candidate)", "a=end-of-candidates", ""]).joined(separator: "\r\n")
    }

    /// This as an ICE candidate.
    var candidate: String { "candidate:1 1 udp 2122260223 \(host) \(port) typ host" }
  }

  private let process: ChildProcess
  let forOfferer: Address
  let forAnswerer: Address

  /// - Parameters:
  ///   - roundTrip: how much longer a packet and its answer take, in ms.
  ///   - loss: how many of 100 packets are lost.
  init(roundTrip: Double, loss: Double) throws {
    // Its peers are those who send first.
    let peer = "127.0.0.1:0"
    process = try ChildProcess(
      "udp-relay", [peer, peer, "--delay-ms", "\(roundTrip / 2)", "--loss", "\(loss)"], takesInput: true)
    let words = try process.line().split(separator: " ")
    guard words.count == 3 else { throw BareError(message: "The relay does not say where it listens.") }
    (forOfferer, forAnswerer) = (Address(words[1]), Address(words[2]))
  }

  func stop() { process.stop() }
}
