import PouchCore

/// Parameters as CouchDB reads them, with its errors.
extension Query {
  /// Whether an option of a document is on: only `true` is, and anything else is off.
  func flag(_ name: String) -> Bool { self[name] == "true" }

  /// The value of the first of several names for the same parameter, such as `startkey` and `start_key`.
  func value(_ names: String...) -> String? {
    items.last { names.contains($0.name) }?.value
  }

  /// A parameter of a list that is `true` or `false`.
  /// - Throws: ``PouchError/Code/queryParseError``.
  func boolean(_ name: String) throws(PouchError) -> Bool? {
    guard let text = self[name] else { return nil }
    switch text.lowercased() {
    case "true": return true
    case "false": return false
    default: throw PouchError(.queryParseError, "Invalid value for boolean: \(JSON(text).text)")
    }
  }

  /// A parameter that counts something.
  /// - Throws: ``PouchError/Code/queryParseError``.
  func count(_ name: String) throws(PouchError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text) else {
      throw PouchError(.queryParseError, "Invalid value for integer: \(JSON(text).text)")
    }
    guard number >= 0 else {
      throw PouchError(.queryParseError, "Invalid value for positive integer: \(JSON(text).text)")
    }
    return number
  }

  /// A parameter that is JSON.
  /// - Throws: ``PouchError/Code/badRequest``.
  func json(_ names: String...) throws(PouchError) -> JSON? {
    guard let text = items.last(where: { names.contains($0.name) })?.value else { return nil }
    return try Query.json(text)
  }

  /// Reads a value that is JSON.
  /// - Throws: ``PouchError/Code/badRequest``.
  static func json(_ text: String) throws(PouchError) -> JSON {
    do throws(JSONError) {
      return try JSON(parsing: text)
    } catch {
      throw PouchError(.badRequest, "invalid UTF-8 JSON", underlying: error)
    }
  }

  /// A parameter that is a revision.
  /// - Throws: ``PouchError/Code/badRequest``.
  func revision(_ name: String) throws(PouchError) -> RevisionID? {
    try self[name].map { text throws(PouchError) in try RevisionID(text) }
  }

  /// A parameter that is a JSON list of revisions.
  /// - Throws: ``PouchError/Code/badRequest``.
  func revisions(_ name: String, limit: Int) throws(PouchError) -> [RevisionID]? {
    guard let json = try json(name) else { return nil }
    return try RevisionID.list(json, limit: limit)
  }
}

extension RevisionID {
  /// Reads a list of revisions.
  /// - Throws: ``PouchError/Code/badRequest`` for what is no list of revisions, ``PouchError/Code/requestTooLarge``
  ///   for a long one.
  static func list(_ json: JSON, limit: Int) throws(PouchError) -> [RevisionID] {
    guard let elements = json.array else { throw PouchError(.badRequest, "Invalid list of revisions") }
    guard elements.count <= limit else { throw PouchError(.requestTooLarge) }
    var revisions: [RevisionID] = []
    revisions.reserveCapacity(elements.count)
    for element in elements {
      guard let text = element.string else { throw PouchError(.badRequest, "Invalid rev format") }
      revisions.append(try RevisionID(text))
    }
    return revisions
  }
}
