/// A condition on documents, in CouchDB's query language Mango.
///
/// ```swift
/// let selector = try Selector(["type": "note", "stars": ["$gte": 3], "$or": [["tag": "a"], ["tag": "b"]]])
/// selector.matches(document)
/// ```
///
/// What matches is what matches in CouchDB 3: conditions on a field that a document does not have fail, all but
/// `{"$exists": false}`, and so does their negation (`{"$not": {"a": 1}}` asks for an `a` that is not 1); `$in` looks
/// into arrays; a segment of a path may be an index of an array; a dot within a name is written `\\.`. Members with an
/// underscore that CouchDB's documents show (`_id`, `_rev`, `_deleted`, `_attachments`) can be asked about.
///
/// Where this differs from CouchDB:
/// - Texts are compared by their UTF-8 bytes, as ids are everywhere. CouchDB compares other texts by ICU's rules of the
///   root locale, which put `a` before `B` and change with the version of ICU.
/// - `$regex` knows what regular languages have, and no look-around and back-references; see ``RegularExpression``.
/// - `$nor` counts within `$elemMatch` and its like as well; there CouchDB lets nothing match.
/// - `$text` is refused, as it needs an index of its own; and so is `$mod` with the divisor 0.
public struct Selector: Sendable {
  /// The selector as it was given.
  public let json: JSON
  let condition: SelectorCondition

  /// Reads a selector.
  /// - Throws: ``PouchError/Code/badRequest`` under CouchDB's names: `invalid_selector_json`, `invalid_operator`,
  ///   `bad_arg`, `invalid_selector`, `invalid_field_name`, `not_supported`.
  public init(_ json: JSON, limits: SelectorLimits = .standard) throws(PouchError) {
    guard json.object != nil else {
      throw PouchError(
        .badRequest, named: "invalid_selector_json", "Selector must be a JSON object, not: \(json.text)")
    }
    try limits.check(json)
    self.json = json
    condition = try SelectorParser(limits: limits).selector(json)
  }

  /// Whether a document matches. The body is parsed for it, unless only `_id` is asked about.
  public func matches(_ document: Document) -> Bool {
    if condition.isAboutID, let id = document.id { return condition.matches(["_id": .string(id.name)]) }
    var members = document.fields
    if let id = document.id { members["_id"] = .string(id.name) }
    if let revision = document.revision { members["_rev"] = JSON(revision.description) }
    if document.isDeleted { members["_deleted"] = true }
    if !document.attachments.isEmpty {
      var stubs = Document(id: document.id)
      stubs.attachments = document.attachments
      members["_attachments"] = stubs.json["_attachments"]
    }
    return condition.matches(.object(members))
  }

  /// Whether a document in its JSON form matches.
  public func matches(_ json: JSON) -> Bool {
    condition.matches(json)
  }
}

extension Selector {
  /// The range of ids within which all documents that match lie, as far as the selector says: what a list has to go
  /// through.
  public var idRange: IDRange {
    var range = IDRange()
    condition.narrow(&range)
    return range
  }

  /// A range of ids; open at an end that is `nil`.
  public struct IDRange: Sendable, Hashable {
    public var first: DocumentID?
    public var last: DocumentID?
  }
}

extension SelectorCondition {
  fileprivate func narrow(_ range: inout Selector.IDRange) {
    switch self {
    case .all(let conditions):
      for condition in conditions { condition.narrow(&range) }
    case .field(["_id"], .compare(let comparison, .string(let text))):
      let id = DocumentID(text.string)
      switch comparison {
      case .equal: range.narrow(first: id, last: id)
      case .greater, .greaterOrEqual: range.narrow(first: id)
      case .less, .lessOrEqual: range.narrow(last: id)
      case .notEqual: break
      }
    case .field(["_id"], .beginsWith(let prefix)):
      // No UTF-8 text has a byte above F4, so the highest scalar closes the range.
      range.narrow(first: DocumentID(prefix.string), last: DocumentID(prefix.string + "\u{10FFFF}\u{10FFFF}"))
    default: break
    }
  }
}

extension Selector.IDRange {
  fileprivate mutating func narrow(first: DocumentID? = nil, last: DocumentID? = nil) {
    if let first { self.first = self.first.map { max($0, first) } ?? first }
    if let last { self.last = self.last.map { min($0, last) } ?? last }
  }
}

extension Selector: Equatable {
  public static func == (left: Selector, right: Selector) -> Bool { left.json == right.json }
}

extension SelectorLimits {
  /// - Throws: ``PouchError/Code/badRequest`` if the selector is too deep or too large.
  func check(_ json: JSON) throws(PouchError) {
    var count = 0
    try check(json, depth: 1, &count)
  }

  private func check(_ json: JSON, depth: Int, _ count: inout Int) throws(PouchError) {
    count += 1
    guard count <= nodes else {
      throw PouchError(.badRequest, named: "invalid_selector", "The selector has more than \(nodes) values.")
    }
    switch json {
    case .array(let elements):
      try checkDepth(depth)
      for element in elements { try check(element, depth: depth + 1, &count) }
    case .object(let members):
      try checkDepth(depth)
      for member in members { try check(member.value, depth: depth + 1, &count) }
    default: break
    }
  }

  private func checkDepth(_ depth: Int) throws(PouchError) {
    guard depth <= self.depth else {
      throw PouchError(
        .badRequest, named: "invalid_selector", "The selector is nested deeper than \(self.depth) levels.")
    }
  }
}
