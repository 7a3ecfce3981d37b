import CouchAPI
import HTTPTypes
import PeerTunnel
import PouchCore
import PouchStore

/// A database with a few documents, as a peer may use it.
struct SharedNotes: Sendable {
  let database: any Database
  let access: PeerAccess
  let limits: AccessLimits

  static let share = "share-0001"
  static let revision = "1-abc"

  init(
    _ grant: PeerGrant, limits: AccessLimits = AccessLimits(), identity: String = "peer1",
    quota: PeerQuota? = nil, freeSpace: Int64? = nil, database: (any Database)? = nil
  ) async throws {
    if let database {
      self.database = database
    } else {
      self.database = try LocalDatabase.inMemory()
      for text in ["a", "b", "_design/d"] {
        var document = Document(id: DocumentID(text), fields: ["text": "x"])
        document.revision = try RevisionID(Self.revision)
        document.revisions = [try RevisionID(Self.revision)]
        if text == "a" { document.attachments["f.txt"] = Attachment("file".utf8, contentType: "text/plain") }
        for result in try await self.database.bulkDocs([document], .replicated) { _ = try result.outcome.get() }
      }
    }
    self.limits = limits
    access = PeerAccess(
      to: self.database, as: Self.share, for: identity, grant, quota ?? PeerQuota(limits), limits: limits,
      freeSpace: { freeSpace })
  }

  /// What a request line is answered with.
  func ask(
    _ method: HTTPRequest.Method, _ target: String, _ json: String? = nil, headers: HTTPFields = [:]
  ) async throws -> Answer {
    var request = try Request(method, target: target, headers: headers)
    if let json {
      request.headers[.contentType] = request.headers[.contentType] ?? "application/json"
      request.body = .bytes(Array(json.utf8))
    }
    let response = await access.respond(to: request)
    return Answer(
      status: response.status.code, headers: response.headers,
      text: String(decoding: try await response.body.collect(upTo: .max), as: UTF8.self))
  }

  /// All that is in the database, to see whether anything has changed.
  func contents() async throws -> [String] {
    var lines: [String] = []
    for try await change in database.changes(ChangesQuery(.once, style: .allLeaves, rows: .documents)) {
      lines.append("\(change.id) \(change.revisions) \(change.isDeleted)")
    }
    return lines.sorted()
  }
}

struct Answer: Sendable {
  let status: Int
  let headers: HTTPFields
  let text: String
}
