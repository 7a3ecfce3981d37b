import HTTPTypes
import PouchCore

extension Request {
  /// The media type of the body in lower case, without parameters.
  var mediaType: String? {
    headers[.contentType]?.split(separator: ";").first.map { $0.trimmed.lowercased() }
  }

  /// Checks that the body is declared to be JSON, as CouchDB does for `POST`.
  /// - Throws: ``PouchError/Code/unsupportedMediaType``.
  func requireJSON() throws(PouchError) {
    guard mediaType == "application/json" else { throw PouchError(.unsupportedMediaType) }
  }

  /// The body as JSON.
  /// - Throws: ``PouchError/Code/badRequest`` for what is no JSON, ``PouchError/Code/requestTooLarge``.
  func json(upTo limit: Int) async throws -> JSON {
    let bytes = try await body.collect(upTo: limit)
    do throws(JSONError) {
      return try JSON(parsing: bytes)
    } catch {
      throw PouchError(.badRequest, "invalid UTF-8 JSON", underlying: error)
    }
  }

  /// The body as a JSON object.
  /// - Throws: as ``json(upTo:)``, and ``PouchError/Code/badRequest`` for other JSON.
  func jsonObject(upTo limit: Int) async throws -> JSON {
    let json = try await json(upTo: limit)
    guard json.object != nil else { throw PouchError(.badRequest, "Request body must be a JSON object") }
    return json
  }

  /// Whether the client takes a media type: by its name, by `*`, or because it does not say what it takes
  /// (RFC 9110, section 12.5.1).
  func takes(_ mediaType: String) -> Bool {
    guard headers[.accept] != nil else { return true }
    let kind = mediaType.prefix { $0 != "/" }
    return headers[values: .accept].flatMap { $0.split(separator: ",") }.contains { range in
      let parts = range.split(separator: ";").map { $0.trimmed.lowercased() }
      guard let name = parts.first, name == mediaType || name == "\(kind)/*" || name == "*/*" else { return false }
      return !parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
    }
  }

  /// The revisions in `If-Match` or `If-None-Match`, without quotes.
  func entityTags(_ name: HTTPField.Name) -> [String] {
    headers[values: name].flatMap { $0.split(separator: ",") }.map { tag in
      var tag = tag.trimmed
      if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
      if tag.count >= 2, tag.first == "\"", tag.last == "\"" { tag = tag.dropFirst().dropLast() }
      return String(tag)
    }
  }

  /// Whether the client has this version already.
  func hasCurrent(_ tag: String) -> Bool {
    guard headers[.ifNoneMatch] != nil else { return false }
    let tags = entityTags(.ifNoneMatch)
    return tags.contains(tag) || tags.contains("*")
  }

  /// A URL of this server, as absolute as the request lets it be. Everything is percent-encoded.
  func location(_ path: String...) -> String {
    let path = path.map { "/" + PercentCoding.encode($0) }.joined()
    guard let host = headers[.host] else { return path }
    return "http://\(host)\(path)"
  }

  /// CouchDB lets clients that can only POST name another method.
  var withOverriddenMethod: Request {
    guard method == .post, let name = headers[.methodOverride], let method = HTTPRequest.Method(name.uppercased()),
      [.get, .head, .put, .delete, .copy].contains(method)
    else { return self }
    var copy = self
    copy.method = method
    return copy
  }
}

extension HTTPField.Name {
  static let host = Self("Host")!
  static let methodOverride = Self("X-HTTP-Method-Override")!
  static let requestID = Self("X-Couch-Request-ID")!
  static let pragma = Self("Pragma")!
  static let destination = Self("Destination")!
}

extension Substring {
  /// The text without white space around it (RFC 9110, section 5.6.3).
  var trimmed: Substring {
    var text = drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }
}
