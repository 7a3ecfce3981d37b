import HTTPTypes
import PouchCore

/// A method of a target that peers may use, with what of a request goes on to the router. Everything that is not listed
/// here is denied, or left out.
struct PeerRoute: Sendable {
  /// What a grant must allow.
  enum Need: Sendable, Hashable {
    case nothing
    case reading
    case querying
    case writing
    /// Writing what was there before.
    case editing
    case localDocuments
  }

  /// How the body of a request is taken.
  enum BodyKind: Sendable, Hashable {
    case none
    /// JSON, held in memory.
    case json
    /// The JSON of a document, or multipart that is streamed.
    case document
    /// The JSON of many documents.
    case bulk
    /// Bytes of any kind, streamed.
    case attachment
  }

  /// How long an answer works, and what it holds meanwhile.
  enum Weight: Sendable, Hashable {
    case light
    /// A document, or what is said of many.
    case document
    /// Pages of documents.
    case list
  }

  let need: Need
  var parameters: [String] = []
  var headers: [HTTPField.Name] = []
  var body = BodyKind.none
  var weight = Weight.light

  /// The route of a request; `nil` if there is none for peers.
  init?(_ method: HTTPRequest.Method, _ target: PeerTarget) {
    switch (method == .head ? .get : method, target) {
    case (.get, .database): self.init(.nothing)
    case (.post, .database): self.init(.writing, ["new_edits"], body: .document)
    case (.get, .allDocs): self.init(.reading, PeerRoute.list, weight: .list)
    case (.post, .allDocs): self.init(.reading, PeerRoute.list, body: .json, weight: .list)
    case (.get, .changes): self.init(.reading, PeerRoute.feed, weight: .list)
    case (.post, .changes): self.init(.reading, PeerRoute.feed, body: .json, weight: .list)
    case (.post, .bulkGet):
      self.init(.reading, ["revs", "latest", "attachments", "att_encoding_info"], body: .json, weight: .list)
    case (.post, .bulkDocs): self.init(.writing, body: .bulk, weight: .document)
    case (.post, .revsDiff), (.post, .missingRevs): self.init(.reading, body: .json, weight: .document)
    case (.post, .find): self.init(.querying, body: .json, weight: .list)
    case (.get, .document): self.init(.reading, PeerRoute.reading, [.ifNoneMatch], weight: .document)
    case (.put, .document): self.init(.writing, ["rev", "new_edits"], [.ifMatch], body: .document)
    case (.delete, .document): self.init(.editing, ["rev"], [.ifMatch])
    case (.get, .attachment): self.init(.reading, ["rev"], [.acceptEncoding, .range, .ifRange, .ifNoneMatch])
    case (.put, .attachment):
      self.init(.writing, ["rev"], [.ifMatch, .contentEncoding, .contentMD5], body: .attachment)
    case (.delete, .attachment): self.init(.editing, ["rev"], [.ifMatch])
    case (.get, .local): self.init(.localDocuments)
    case (.put, .local): self.init(.localDocuments, ["rev"], [.ifMatch], body: .document)
    case (.delete, .local): self.init(.localDocuments, ["rev"])
    default: return nil
    }
  }

  private init(
    _ need: Need, _ parameters: [String] = [], _ headers: [HTTPField.Name] = [], body: BodyKind = .none,
    weight: Weight = .light
  ) {
    self.need = need
    self.parameters = parameters
    self.headers = [.accept, .contentType] + headers
    self.body = body
    self.weight = weight
  }

  private static let reading = [
    "rev", "revs", "revs_info", "conflicts", "deleted_conflicts", "local_seq", "attachments", "att_encoding_info",
    "latest", "meta", "open_revs", "atts_since",
  ]

  private static let list = [
    "key", "keys", "startkey", "start_key", "endkey", "end_key", "limit", "skip", "descending", "inclusive_end",
    "update_seq", "include_docs", "conflicts", "attachments", "att_encoding_info",
  ]

  private static let feed = [
    "feed", "since", "limit", "style", "descending", "include_docs", "conflicts", "attachments", "att_encoding_info",
    "heartbeat", "timeout", "filter", "doc_ids", "seq_interval", "last-event-id",
  ]

  func isAllowed(by grant: PeerGrant) -> Bool {
    switch need {
    case .nothing: true
    case .reading: grant.reads
    case .querying: grant.reads && grant.queries == .granted
    case .writing: grant.writes
    case .editing: grant.kind == .readWrite
    case .localDocuments: grant.kind != .inbox
    }
  }
}

extension HTTPField.Name {
  static let contentMD5 = Self("Content-MD5")!
}
