#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Document {
  /// Reads a document from its JSON form, the one that CouchDB's API takes and gives.
  ///
  /// `_conflicts`, `_deleted_conflicts`, `_revs_info` and `_local_seq` are facts that a database adds, and are skipped.
  /// - Throws: ``PouchError/Code/badRequest`` for text that is no JSON or no object, a bad `_rev` and bad attachments;
  ///   ``PouchError/Code/illegalDocumentID`` for an `_id` that is no string; ``PouchError/Code/invalidDocument`` for
  ///   members with an underscore that CouchDB does not know, or of the wrong type.
  public init(parsing text: some Sequence<UInt8>, limits: JSONLimits = .standard) throws(PouchError) {
    let scanned: JSONScanner.Scanned
    do throws(JSONError) {
      scanned = try JSONScanner.scan(text, limits: limits)
    } catch {
      switch error.problem {
      case .tooLarge: throw PouchError(.documentTooLarge, underlying: error)
      case .tooDeep(let limit): throw Document.tooDeep(limit)
      default: throw PouchError(.badRequest, "invalid UTF-8 JSON", underlying: error)
      }
    }
    let slice = JSONSlice(scanned.text)
    guard slice.isObject else { throw Document.notAnObject }
    guard scanned.hasSpecialMembers else {
      self.init(body: scanned.text)
      return
    }
    try self.init(members: slice)
  }

  /// Reads a document that stands in a longer text, such as a list of documents; see ``init(parsing:limits:)``.
  ///
  /// Only CouchDB's own members are looked into; the others are taken over as bytes.
  public init(_ slice: JSONSlice, limits: JSONLimits = .standard) throws(PouchError) {
    guard slice.isObject else { throw Document.notAnObject }
    guard slice.bytes.count <= limits.bytes else { throw PouchError(.documentTooLarge) }
    guard slice.depth <= limits.depth else { throw Document.tooDeep(limits.depth) }
    try self.init(members: slice)
  }

  private init(members slice: JSONSlice) throws(PouchError) {
    self.init(body: .emptyObject)
    var taken: [Range<Int>] = []
    for member in slice.members where member.isSpecial {
      guard try take(member) else { continue }
      taken.append(member.extent(in: slice))
    }
    body = Document.body(of: slice, without: taken)
    if revision == nil, let newest = revisions?.first { revision = newest }
  }

  private static let notAnObject = PouchError(.badRequest, "Document must be a JSON object")

  private static func tooDeep(_ limit: Int) -> PouchError {
    PouchError(.badRequest, "JSON is nested deeper than \(limit) levels")
  }

  /// Reads a document from its JSON form; see ``init(parsing:limits:)``.
  public init(_ json: JSON) throws(PouchError) {
    try self.init(parsing: JSONText(json).bytes)
  }

  /// Checks what a body that was made in memory may have that no reader lets pass: members with an underscore, and
  /// values nested too deeply. A document that was read from text passes at once.
  /// - Throws: ``PouchError/Code/invalidDocument`` or ``PouchError/Code/badRequest``, as reading its text would.
  public func validateBody() throws(PouchError) {
    if body.isBody { return }
    let read = try Document(parsing: body.bytes)
    guard read.body.bytes.count == body.bytes.count else {
      throw PouchError(.invalidDocument, "Bad special document member: the body has one of CouchDB's own.")
    }
  }

  /// What CouchDB's replicator notes in its documents; of these CouchDB makes fields like any others.
  private static let replicatorMembers: Set<String> = [
    "_replication_id", "_replication_state", "_replication_state_time", "_replication_state_reason",
    "_replication_stats",
  ]

  /// The object without some of its members, whose extents are given in ascending order: all of CouchDB's own.
  private static func body(of object: JSONSlice, without extents: [Range<Int>]) -> JSONText {
    let source = object.bytes
    if extents.isEmpty { return JSONText(trusted: Array(source), hasSortedKeys: object.hasSortedKeys, isBody: true) }
    let base = source.startIndex
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.count)
    bytes.append(0x7B)
    var start = 1
    func keep(_ range: Range<Int>) {
      guard !range.isEmpty else { return }
      if bytes.count > 1 { bytes.append(0x2C) }
      bytes.append(contentsOf: source[base + range.lowerBound..<base + range.upperBound])
    }
    for extent in extents {
      keep(start..<max(start, extent.lowerBound - 1))
      start = extent.upperBound + 1
    }
    keep(start..<max(start, source.count - 1))
    bytes.append(0x7D)
    return JSONText(trusted: bytes, hasSortedKeys: object.hasSortedKeys, isBody: true)
  }

  /// Takes over one of CouchDB's own members.
  /// - Returns: whether it is one; members of the replicator's own documents stay in the body.
  private mutating func take(_ member: JSONSlice.Member) throws(PouchError) -> Bool {
    let value = member.value
    switch member.name {
    case "_id":
      guard let text = value.string else { throw PouchError(.illegalDocumentID, "Document id must be a string") }
      id = DocumentID(text)
    case "_rev":
      guard let name = value.revision else { throw PouchError(.badRequest, "Invalid rev format") }
      revision = name
    case "_deleted":
      guard let flag = value.bool else { throw PouchError(.invalidDocument, "Bad special document member: _deleted") }
      isDeleted = flag
    case "_revisions":
      revisions = try Document.revisions(value)
    case "_attachments":
      guard value.isObject else { throw PouchError(.invalidDocument, "Bad special document member: _attachments") }
      for attachment in value.members {
        let name = ExactString(attachment.name)
        attachments[name] = try Attachment(attachment.value.json, name: name)
      }
    case "_conflicts", "_deleted_conflicts", "_revs_info", "_local_seq":
      break
    case let name where Document.replicatorMembers.contains(name):
      return false
    case let name:
      throw PouchError(.invalidDocument, "Bad special document member: \(name)")
    }
    return true
  }

  /// `{"start": 3, "ids": ["c", "b", "a"]}`, newest first.
  private static func revisions(_ json: JSONSlice) throws(PouchError) -> [RevisionID] {
    let malformed = PouchError(.invalidDocument, "Bad special document member: _revisions")
    guard let start = json["start"]?.int, start >= 0, let ids = json["ids"], ids.isArray else { throw malformed }
    // Local documents have generation 0, and CouchDB's replicator sends its checkpoints with such a history.
    let most = max(start, 1)
    var revisions: [RevisionID] = []
    for id in ids.elements {
      guard revisions.count < most, let suffix = id.string, suffix.utf8.count <= Limits.revisionSuffix else {
        throw malformed
      }
      revisions.append(RevisionID(generation: start - revisions.count, suffix: suffix))
    }
    guard !revisions.isEmpty else { throw malformed }
    return revisions
  }
}

extension Attachment {
  /// Reads an entry of `_attachments`.
  init(_ json: JSON, name: ExactString) throws(PouchError) {
    guard json.object != nil else { throw PouchError(.badRequest, "Invalid attachment data for \(name)") }
    let content: Content
    if let data = json["data"] {
      guard let text = data.string, let bytes = Data(base64Encoded: text) else {
        throw PouchError(.badRequest, "Invalid attachment data for \(name)")
      }
      content = .data(Array(bytes))
    } else {
      content = .stub
    }
    self.init(content, contentType: json["content_type"]?.string ?? "application/octet-stream")
    digest = json["digest"]?.string
    length = json["length"]?.int.map(Int64.init)
    revisionPosition = json["revpos"]?.int
    encodedLength = json["encoded_length"]?.int.map(Int64.init)
    if let text = json["encoding"]?.string, text != "identity" {
      guard let known = Encoding(rawValue: text) else {
        throw PouchError(.badRequest, "Invalid attachment encoding for \(name)")
      }
      encoding = known
    }
  }
}
