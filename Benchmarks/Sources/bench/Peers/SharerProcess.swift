import PeerPouch
import WebRTC

/// `peerpouch share` of a database of its own, found by way of a server's database `hub`.
final class SharerProcess {
  let process: ChildProcess
  /// Where others open what it shares.
  let address: String

  /// - Parameters:
  ///   - database: the path of what is shared; anyone may read and write it.
  ///   - folder: where its identity is kept.
  init(_ database: String, hub: PouchServerProcess, folder: String) throws {
    process = try ChildProcess(
      "peerpouch", ["share", database, "--hub", hub.publicURL("hub"), "--anyone", "--write", "--json", "--quiet"],
      environment: PeerSetting.environment(folder))
    guard let address = try JSON(parsing: process.line())["url"]?.string else {
      throw BareError(message: "The sharer does not say where its share is.")
    }
    self.address = address
  }

  func stop() { process.stop() }
}

/// What each benchmark between peers has: a server with a hub, and a process that shares a database.
struct PeerSetting {
  let hub: PouchServerProcess
  let sharer: SharerProcess
  private let folder: String

  /// A peer that opens what the sharer shares.
  /// - Parameter relay: what its packets pass, both ways.
  func opener(relay: RelayProcess? = nil) throws -> LocalPeer {
    var options = PeerOptions()
    let hub = hub.publicURL("hub")
    options.openHub = { _ in try await Pouch(hub, .mustExist) }
    var configuration = PeerConnection.Configuration()
    configuration.addresses = .addresses([PeerSetting.loopback])
    options.transport = WebRTCTransport(configuration)
    if let relay { options.transport = RelayedTransport(options.transport, relay) }
    return try LocalPeer(folder: folder, options: options)
  }

  /// What a command is started with that has the opener's identity.
  var environment: [String: String] { PeerSetting.environment(folder) }

  /// What a command is started with that keeps its identity in a folder. Peers find each other at the loopback address.
  static func environment(_ folder: String) -> [String: String] {
    ["PEERPOUCH_HOME": folder, "PEERPOUCH_ADDRESSES": loopback]
  }

  private static let loopback = "127.0.0.1"

  init(_ hub: PouchServerProcess, _ sharer: SharerProcess, folder: String) {
    self.hub = hub
    self.sharer = sharer
    self.folder = folder
  }
}

extension Scratch {
  /// Runs something with a database that is filled first and then shared by a process of its own.
  func withShared<Value>(
    _ fill: (LocalDatabase) async throws -> Void, _ body: (PeerSetting) async throws -> Value
  ) async throws -> Value {
    try await withServer { server in
      try server.makePublic("hub")
      return try await withFolder("sharer") { sharers in
        try await withFolder("opener") { openers in
          try await withFile("shared.pouch") { path in
            let database = try LocalDatabase(path: path)
            try await fill(database)
            try await database.close()
            let sharer = try SharerProcess(path, hub: server, folder: sharers)
            defer { sharer.stop() }
            return try await body(PeerSetting(server, sharer, folder: openers))
          }
        }
      }
    }
  }
}

extension LocalDatabase {
  /// Writes so many sample documents.
  func fill(count: Int, _ ids: SampleDocuments.IDs) async throws {
    let samples = SampleDocuments(ids: ids)
    for start in stride(from: 0, to: count, by: SampleDocuments.batch) {
      try await write(samples.samples(start..<min(count, start + SampleDocuments.batch))[...])
    }
  }
}
