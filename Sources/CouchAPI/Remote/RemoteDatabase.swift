import HTTPTypes
public import PouchCore
import Synchronization

/// A database at a CouchDB, at PeerPouch's own server, or at a peer: calls become requests over a ``Carrier``.
///
/// ```swift
/// let there = RemoteDatabase(
///   carrier: http, path: ["notes"], name: "https://couch.example/notes",
///   credentials: .basic(name: "jan", password: password))
/// for try await change in there.changes(.live) { … }
/// ```
///
/// It speaks to CouchDB from 1.6 on, Cloudant and PouchDB Server; what one of them lacks is done by other requests, and
/// remembered. What comes back is bounded by ``RemoteLimits``; answers that make no sense end the call with
/// ``PouchError/Code/badResponse``. Besides the errors of ``Database`` every call may throw what its carrier throws,
/// and `unauthorized`, `forbidden`, `tooManyRequests` and `serviceUnavailable`.
///
/// Two things differ from an embedded database: a batch of writes is not one transaction, and a feed in descending
/// order is delivered in one batch, since CouchDB cannot continue one.
public final class RemoteDatabase: Database {
  /// The URL that the database was opened by, without credentials.
  public let name: String
  /// The segments of the database's path, its own name last.
  public let path: [String]
  private let ownership: CarrierOwnership
  let client: RemoteClient
  let closing = ClosingSignal()
  let traits = Mutex(ServerTraits())

  /// - Parameters:
  ///   - carrier: brings the requests there. It may serve several databases.
  ///   - ownership: whether the carrier is closed with this database.
  ///   - path: the segments of the path up to the name of the database, which is the last.
  ///   - name: what the database is called: a URL without credentials.
  ///   - credentials: who asks; nobody if `nil`.
  /// - Precondition: the path is not empty.
  public init(
    carrier: any Carrier, _ ownership: CarrierOwnership = .shared, path: [String], name: String,
    credentials: RemoteCredentials? = nil, options: RemoteOptions = RemoteOptions()
  ) {
    precondition(!path.isEmpty, "A database has a name.")
    self.name = name
    self.path = path
    self.ownership = ownership
    client = RemoteClient(
      carrier: carrier, root: Array(path.dropLast()), credentials: credentials, options: options)
  }

  /// - Throws: ``PouchError/closed`` after the end of this use.
  func checkOpen() throws(PouchError) {
    if closing.isClosed { throw PouchError.closed }
  }

  // MARK: - The database as a whole

  @concurrent
  public func info() async throws -> DatabaseInfo {
    try checkOpen()
    let answer = try await client.json(request(.get, []), .harmless)
    guard let sequence = answer["update_seq"].flatMap(sequence) else { throw nonsense("update_seq") }
    let sizes = answer["sizes"]
    return DatabaseInfo(
      name: answer["db_name"]?.string ?? path.last ?? "", uuid: try await identity(answer),
      documentCount: answer["doc_count"]?.int ?? 0, deletedCount: answer["doc_del_count"]?.int ?? 0,
      updateSequence: sequence,
      fileSize: Int64(sizes?["file"]?.int ?? answer["disk_size"]?.int ?? 0),
      activeSize: Int64(sizes?["active"]?.int ?? answer["data_size"]?.int ?? 0),
      instanceStartTime: instanceStartTime(answer), isCompacting: answer["compact_running"]?.bool ?? false)
  }

  /// What identifies the database wherever its URL moves.
  ///
  /// PeerPouch's own servers tell the UUID of each database. CouchDB has one of the server, which together with the
  /// database's name is as good; it is not joined with the time of creation, which CouchDB 2 does not tell and
  /// CouchDB 1 changes with each start. Where the server has none, or does not show it, the name has to do.
  private func identity(_ info: JSONSlice) async throws -> String {
    if let uuid = info["uuid"]?.string, !uuid.isEmpty, uuid.utf8.count <= RemoteLimits.reason { return uuid }
    let known = traits.withLock(\.serverUUID)
    let server: String?
    if let known {
      server = known
    } else {
      server = try await serverUUID()
      traits.withLock { $0.serverUUID = .some(server) }
    }
    guard let server else { return name }
    return "\(server)/\(info["db_name"]?.string ?? path.last ?? "")"
  }

  private func serverUUID() async throws -> String? {
    do {
      let welcome = try await client.json(
        Request(.get, client.root, headers: [.accept: "application/json"]), .harmless,
        upTo: RemoteLimits.errorAnswer)
      guard let uuid = welcome["uuid"]?.string, !uuid.isEmpty, uuid.utf8.count <= RemoteLimits.reason else {
        return nil
      }
      return uuid
    } catch let error as PouchError where !error.code.isTransient || error.code == .badResponse {
      // Proxies often let through nothing but the database.
      if error.code == .cancelled { throw error }
      return nil
    }
  }

  /// Microseconds, whether the server counts in them (CouchDB 1) or in seconds (CouchDB 3).
  private func instanceStartTime(_ info: JSONSlice) -> Int64 {
    guard let time = info["instance_start_time"], let value = time.int ?? time.string.flatMap(Int.init), value > 0
    else { return 0 }
    let secondsEnd = 100_000_000_000
    return Int64(value < secondsEnd ? value * 1_000_000 : value)
  }

  @concurrent
  public func compact() async throws {
    try checkOpen()
    _ = try await client.answer(
      to: request(.post, ["_compact"], json: .emptyObject), .harmless, silence: RemoteTuning.upkeepSilence)
    // The server compacts in the background.
    var pause = RemoteTuning.compactionPause
    while try await client.json(request(.get, []), .harmless)["compact_running"]?.bool == true {
      try await sleep(pause)
      pause = min(pause * 2, RemoteTuning.longestPollPause)
    }
  }

  @concurrent
  @discardableResult
  public func purge(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: [RevisionID]] {
    try checkOpen()
    guard !revisions.isEmpty else { return [:] }
    let answer = try await client.json(
      request(.post, ["_purge"], json: RevisionLists.text(revisions.map { ($0.key, $0.value) }[...])), .harmful,
      silence: RemoteTuning.upkeepSilence)
    var purged: [DocumentID: [RevisionID]] = [:]
    for member in answer["purged"]?.members ?? .none {
      purged[DocumentID(member.name)] = try RevisionLists.revisions(member.value)
    }
    return purged
  }

  @concurrent
  public func revsLimit() async throws -> Int {
    try checkOpen()
    guard let limit = try await client.json(request(.get, ["_revs_limit"]), .harmless).int, limit >= 1 else {
      throw nonsense("_revs_limit")
    }
    return limit
  }

  @concurrent
  public func setRevsLimit(_ limit: Int) async throws {
    try checkOpen()
    guard limit >= 1 else { throw PouchError(.badRequest, "`_revs_limit` must be a positive integer") }
    _ = try await client.answer(to: request(.put, ["_revs_limit"], json: JSONText(JSON(limit))), .harmless)
  }

  public func close() async throws {
    closing.close()
    if ownership == .own { await client.carrier.close() }
  }

  @concurrent
  public func destroy() async throws {
    try checkOpen()
    _ = try await client.answer(to: request(.delete, []), .harmful)
    try await close()
  }
}

/// Whose a carrier is.
public enum CarrierOwnership: Sendable, Hashable {
  /// Others use it too.
  case shared
  /// The database's, which closes it.
  case own
}

/// What was learned of a server.
struct ServerTraits: Sendable {
  /// Whether it has `_bulk_get`; CouchDB 1 has not.
  var hasBulkGet = true
  /// Whether it filters changes by `_doc_ids` and `_selector`.
  var filtersChanges = true
  /// The UUID of the server: `nil` before it was asked, and `.some(nil)` if it has none.
  var serverUUID: String??
  /// About how many bytes a document has, by those that came last.
  var documentBytes = RemoteTuning.expectedDocument

  /// How many documents to ask for so that about as many bytes come.
  func documents(in bytes: Int) -> Int { max(1, bytes / max(1, documentBytes)) }

  /// Learns from documents that came. What is larger than expected counts at once, smaller ones bit by bit.
  mutating func learn(bytes: Int, of count: Int) {
    guard count > 0 else { return }
    let size = bytes / count
    documentBytes = size > documentBytes ? size : (3 * documentBytes + size) / 4
  }
}

// MARK: - Requests

extension RemoteDatabase {
  /// A request within the database.
  func request(
    _ method: HTTPRequest.Method, _ segments: [String], query: Query = Query(), json body: JSONText? = nil
  ) -> Request {
    var request = Request(method, path + segments, query: query, headers: [.accept: "application/json"])
    if let body {
      request.headers[.contentType] = "application/json"
      request.body = .bytes(body.bytes)
    }
    return request
  }

  /// The segments of a document's path. The prefixes of design and local documents are segments of their own, which is
  /// what all servers know.
  func segments(of id: DocumentID) -> [String] {
    for prefix in ["_design/", "_local/"] where id.name.hasPrefix(ExactString(prefix)) {
      return [String(prefix.dropLast()), String(decoding: id.text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)]
    }
    return [id.text]
  }

  /// Whether a document can be named by a path: not too long for a request line, and no step such as `..`.
  func fitsPath(_ id: DocumentID) -> Bool {
    segments(of: id).allSatisfy { segment in
      PercentCoding.encode(segment).utf8.count <= RemoteLimits.idInPath && segment != "." && segment != ".."
    }
  }

  func nonsense(_ what: String) -> PouchError {
    PouchError(.badResponse, "The server's answer has no sensible `\(what)`.")
  }

  /// A position as the server wrote it.
  func sequence(_ slice: JSONSlice) -> UpdateSequence? {
    guard slice.bytes.count <= RemoteLimits.sequence else { return nil }
    return slice.string.map { UpdateSequence($0) } ?? UpdateSequence(slice.json)
  }

  func sleep(_ duration: Duration) async throws {
    do {
      try await client.options.clock.sleep(for: duration)
    } catch {
      throw PouchError(.cancelled)
    }
  }
}

/// Ids with lists of revisions, as `_revs_diff` and `_purge` have them.
enum RevisionLists {
  /// About how many bytes a revision takes in one.
  static let revisionBytes = 40

  /// `{"id": ["1-a", "2-b"]}`
  static func text(_ lists: ArraySlice<(DocumentID, [RevisionID])>) -> JSONText {
    var writer = JSONWriter()
    writer.raw(byte: 0x7B)
    writer.writeList(lists) { writer, list in
      writer.write(list.0.text)
      writer.raw(":[")
      writer.writeList(list.1) { $0.write($1) }
      writer.raw(byte: 0x5D)
    }
    writer.raw(byte: 0x7D)
    return JSONText(stored: writer.bytes)
  }

  static func revisions(_ slice: JSONSlice) throws(PouchError) -> [RevisionID] {
    var revisions: [RevisionID] = []
    for element in slice.elements {
      guard let revision = element.revision else {
        throw PouchError(.badResponse, "The server's answer names something that is no revision.")
      }
      revisions.append(revision)
    }
    return revisions
  }
}
