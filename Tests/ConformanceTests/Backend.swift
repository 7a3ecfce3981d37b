import CouchAPI
import Foundation
import Logging
import PeerPouch
import PouchHTTP
import Testing

#if WebRTC
  import WebRTC
#endif

/// The ways to reach a database. Every test of this target runs over each of them, and expects the same answers.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case memory
  case file
  /// A client of the whole HTTP API, without sockets: requests go to a router over a file.
  case remote
  /// The same, over sockets: a server and a client in this process.
  case http
  #if WebRTC
    /// Another peer's database over a real WebRTC connection, with all that a share can allow.
    case peer
  #endif

  var testDescription: String { rawValue }

  /// Those whose databases one keeps oneself. Compacting, purging and the number of revisions that are remembered are the
  /// owner's business: for a peer they do not exist, which `PeerTests` checks.
  static var withUpkeep: [Backend] {
    #if WebRTC
      allCases.filter { $0 != .peer }
    #else
      allCases
    #endif
  }

  /// Runs a test with a new, empty database, which is removed afterwards.
  func withDatabase<Value>(
    options: StoreOptions = StoreOptions(), _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    let database: any Database
    switch self {
    case .memory:
      database = try await Pouch("memory:", options: options)
    case .file:
      let folder = try Self.makeFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      database = try await Pouch(folder.appendingPathComponent("test.pouch").path, options: options)
      return try await run(database, body)
    case .remote:
      let folder = try Self.makeFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let databases = try DatabaseFolder(path: folder.path, options: options)
      try await databases.create("test")
      database = RemoteDatabase(
        carrier: LocalCarrier(Router(databases, access: AdminParty())), path: ["test"], name: "http://test.invalid/test"
      )
      let stored = try await databases.database("test")
      let value = try await run(database, checking: stored, body)
      try await databases.close()
      return value
    case .http:
      let folder = try Self.makeFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let databases = try DatabaseFolder(path: folder.path, options: options)
      try await databases.create("test")
      let value = try await withServer(Router(databases, access: AdminParty())) { carrier in
        let database = RemoteDatabase(carrier: carrier, path: ["test"], name: carrier.url + "/test")
        return try await run(database, checking: try await databases.database("test"), body)
      }
      try await databases.close()
      return value
    #if WebRTC
      case .peer:
        let folder = try Self.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let stored = try await Pouch(folder.appendingPathComponent("test.pouch").path, options: options)
        return try await withPeer(stored, body)
    #endif
    }
    return try await run(database, body)
  }

  #if WebRTC
    /// Shares a database, and has the body use it as somebody else.
    private func withPeer<Value>(_ stored: any Database, _ body: (any Database) async throws -> Value) async throws
      -> Value
    {
      let hub = try await Pouch("memory:hub-\(UUID().uuidString.lowercased())")
      let (sharer, opener) = (Self.makePeer(), Self.makePeer())
      let share = try await hub.shareDatabase(
        stored, permissions: [.queries, .designDocuments], as: sharer, onRemote: { _ in })
      let database = try await opener.open(share.address)
      let value: Value
      do {
        value = try await body(database)
      } catch {
        await opener.close()
        await sharer.close()
        throw error
      }
      await opener.close()
      await sharer.close()
      #expect(try await (stored as? LocalDatabase)?.integrityCheck() == [])
      try await stored.destroy()
      return value
    }

    private static func makePeer() -> LocalPeer {
      var generator = SystemRandomNumberGenerator()
      var configuration = PeerConnection.Configuration()
      configuration.addresses = .addresses(["127.0.0.1"])
      var options = PeerOptions()
      options.transport = WebRTCTransport(configuration)
      options.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      return LocalPeer(Identity(using: &generator), options: options)
    }
  #endif

  /// Serves over HTTP while the body runs.
  private func withServer<Value>(
    _ router: Router, _ body: (HTTPCarrier) async throws -> Value
  ) async throws -> Value {
    let (addresses, ready) = AsyncStream<BoundAddress>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let server = try HTTPServer(
      configuration: HTTPServerConfiguration(port: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
      respond: { await router.respond(to: $0) },
      ready: { ready.yield($0) })
    let serving = Task {
      defer { ready.finish() }
      try await server.run()
    }
    defer { serving.cancel() }
    let address = try #require(await addresses.first { _ in true })
    let carrier = try HTTPCarrier(address.url)
    let value: Value
    do {
      value = try await body(carrier)
    } catch {
      await carrier.close()
      throw error
    }
    await carrier.close()
    serving.cancel()
    try await serving.value
    return value
  }

  private static func makeFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peerpouch-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private func run<Value>(
    _ database: any Database, checking stored: (any Database)? = nil,
    _ body: (any Database) async throws -> Value
  ) async throws -> Value {
    let value = try await body(database)
    if let local = (stored ?? database) as? LocalDatabase {
      #expect(try await local.integrityCheck() == [])
    }
    try await database.destroy()
    return value
  }
}

/// The error of a PouchError, checked by code and, where it matters to clients, reason.
func expectError(
  _ code: PouchError.Code, _ reason: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("Expected \(code), but nothing was thrown", sourceLocation: sourceLocation)
  } catch let error as PouchError {
    #expect(error.code == code, sourceLocation: sourceLocation)
    if let reason { #expect(error.reason == reason, sourceLocation: sourceLocation) }
  } catch {
    Issue.record("Expected \(code), but got \(error)", sourceLocation: sourceLocation)
  }
}

extension WriteResult {
  var revision: RevisionID? { try? outcome.get() }
  var error: PouchError? {
    if case .failure(let error) = outcome { error } else { nil }
  }
}

/// A revision made elsewhere, as a replicator brings it.
func replica(
  _ id: DocumentID, _ path: [String], _ fields: JSON.Object = [:], deleted: Bool = false
) throws -> Document {
  var document = Document(id: id, fields: fields)
  document.revisions = try path.map { try RevisionID($0) }
  document.revision = document.revisions?.first
  document.isDeleted = deleted
  return document
}
