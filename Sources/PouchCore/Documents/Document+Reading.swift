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
      case .tooDeep(let limit):
        throw PouchError(.badRequest, "JSON is nested deeper than \(limit) levels", underlying: error)
      default: throw PouchError(.badRequest, "invalid UTF-8 JSON", underlying: error)
      }
    }
    guard scanned.text.isObject else { throw PouchError(.badRequest, "Document must be a JSON object") }
    guard !scanned.specialMembers.isEmpty else {
      self.init(body: scanned.text)
      return
    }
    self.init(body: .emptyObject)
    var taken: [Range<Int>] = []
    let bytes = scanned.text.bytes
    for member in scanned.specialMembers {
      let name = String(decoding: bytes[member.key.dropFirst().dropLast()], as: UTF8.self)
      guard !name.hasPrefix("_replication_") else { continue }
      var parser = JSONParser(trusted: bytes, at: member.value.lowerBound)
      try take(name, parser.value())
      taken.append(member.extent)
    }
    body = Document.body(of: scanned.text, without: taken)
    if revision == nil, let newest = revisions?.first { revision = newest }
  }

  /// Reads a document from its JSON form; see ``init(parsing:limits:)``.
  public init(_ json: JSON) throws(PouchError) {
    try self.init(parsing: JSONText(json).bytes)
  }

  /// The object without some of its members, whose extents are given in ascending order.
  private static func body(of text: JSONText, without extents: [Range<Int>]) -> JSONText {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.bytes.count)
    bytes.append(0x7B)
    var start = 1
    func keep(_ range: Range<Int>) {
      guard !range.isEmpty else { return }
      if bytes.count > 1 { bytes.append(0x2C) }
      bytes.append(contentsOf: text.bytes[range])
    }
    for extent in extents {
      keep(start..<max(start, extent.lowerBound - 1))
      start = extent.upperBound + 1
    }
    keep(start..<max(start, text.bytes.count - 1))
    bytes.append(0x7D)
    return JSONText(trusted: bytes, hasSortedKeys: text.hasSortedKeys)
  }

  private mutating func take(_ name: String, _ value: JSON) throws(PouchError) {
    switch name {
    case "_id":
      guard let text = value.string else { throw PouchError(.illegalDocumentID, "Document id must be a string") }
      id = DocumentID(text)
    case "_rev":
      guard let text = value.string else { throw PouchError(.badRequest, "Invalid rev format") }
      revision = try RevisionID(text)
    case "_deleted":
      guard let flag = value.bool else { throw PouchError(.invalidDocument, "Bad special document member: _deleted") }
      isDeleted = flag
    case "_revisions":
      revisions = try Document.revisions(value)
    case "_attachments":
      guard let object = value.object else {
        throw PouchError(.invalidDocument, "Bad special document member: _attachments")
      }
      for (name, description) in object {
        attachments[name] = try Attachment(description, name: name)
      }
    case "_conflicts", "_deleted_conflicts", "_revs_info", "_local_seq":
      break
    default:
      throw PouchError(.invalidDocument, "Bad special document member: \(name)")
    }
  }

  /// `{"start": 3, "ids": ["c", "b", "a"]}`, newest first.
  private static func revisions(_ json: JSON) throws(PouchError) -> [RevisionID] {
    let malformed = PouchError(.invalidDocument, "Bad special document member: _revisions")
    // Local documents have generation 0, and CouchDB's replicator sends its checkpoints with such a history.
    guard let start = json["start"]?.int, start >= 0, let ids = json["ids"]?.array, !ids.isEmpty,
      ids.count <= max(start, 1)
    else { throw malformed }
    var revisions: [RevisionID] = []
    revisions.reserveCapacity(ids.count)
    for (offset, id) in ids.enumerated() {
      guard let suffix = id.string, suffix.utf8.count <= Limits.revisionSuffix else { throw malformed }
      revisions.append(RevisionID(generation: start - offset, suffix: suffix))
    }
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
