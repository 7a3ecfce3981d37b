#if WebRTC
  import Foundation
  import Logging
  import PeerPouch
  import WebRTC

  /// A peer in a process of its own for tests. It prints a line for whatever happens, and works until it is killed.
  ///
  /// - `PeerTool share HUB DATABASE FOLDER`: prints `sharing URL`, `joined FINGERPRINT` and `left FINGERPRINT`.
  /// - `PeerTool sync URL DATABASE FOLDER`: keeps a copy in sync, and prints `change ID` for each document that comes into
  ///   it, and `connected` and `reconnecting`.
  ///
  /// FOLDER is where the identity is kept. Connections use the loopback address.
  @main
  struct PeerTool {
    static func main() async throws {
      let arguments = CommandLine.arguments
      guard arguments.count == 5 else { exit(2) }
      let peer = try LocalPeer(folder: arguments[4], options: options)
      let database = try await Pouch(arguments[3])
      switch arguments[1] {
      case "share": try await share(database, hub: arguments[2], peer)
      case "sync": try await sync(database, url: arguments[2], peer)
      default: exit(2)
      }
    }

    private static var options: PeerOptions {
      var configuration = PeerConnection.Configuration()
      configuration.addresses = .addresses(["127.0.0.1"])
      // A peer that was killed is missed soon.
      configuration.peerTimeout = .seconds(2)
      var options = PeerOptions()
      options.transport = WebRTCTransport(configuration)
      options.logger = Logger(label: "tool") { _ in SwiftLogNoOpLogHandler() }
      return options
    }

    private static func say(_ line: String) {
      FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }

    private static func share(_ database: any Database, hub: String, _ peer: LocalPeer) async throws {
      let share = try await Pouch(hub).shareDatabase(database, name: "tool", as: peer) { _ in }
      let events = share.events
      say("sharing \(share.dbname)")
      for await event in events {
        switch event {
        case .joined(let remote): say("joined \(remote.identity)")
        case .left(let remote): say("left \(remote.identity)")
        default: continue
        }
      }
    }

    private static func sync(_ database: any Database, url: String, _ peer: LocalPeer) async throws {
      guard let address = ShareAddress(url) else { exit(2) }
      let theirs = try await peer.open(address)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await database.sync(with: theirs, .live) }
        group.addTask {
          for await state in theirs.connection {
            switch state {
            case .connected: say("connected")
            case .reconnecting: say("reconnecting")
            default: continue
            }
          }
        }
        group.addTask {
          for try await change in database.changes(.live) { say("change \(change.id)") }
        }
        try await group.waitForAll()
      }
    }
  }
#else
  /// Without WebRTC there is nothing to be tested.
  @main
  struct PeerTool {
    static func main() {}
  }
#endif
