import HTTPTypes
import PouchCore

extension Response {
  /// An answer of JSON that is written already; a newline is put behind it, as CouchDB does.
  init(_ status: HTTPResponse.Status = .ok, encoded bytes: consuming [UInt8], headers: HTTPFields = [:]) {
    bytes.append(0x0A)
    self.init(status, headers: headers, body: .bytes(bytes))
    self.headers[.contentType] = Response.jsonType
  }

  /// An answer of JSON.
  init(_ status: HTTPResponse.Status = .ok, json: JSON, headers: HTTPFields = [:]) {
    self.init(status, encoded: JSONText(json).bytes, headers: headers)
  }

  /// An answer of JSON that is written as it is read.
  init(_ status: HTTPResponse.Status = .ok, streaming body: ByteStream) {
    self.init(status, headers: [.contentType: Response.jsonType], body: .stream(body, length: nil))
  }

  static let jsonType = "application/json"

  /// `{"ok": true}`
  static func done(_ status: HTTPResponse.Status = .ok) -> Response {
    Response(status, encoded: Array(#"{"ok":true}"#.utf8))
  }

  /// The answer to a request whose client has the version already.
  static func notModified(_ tag: String) -> Response {
    Response(.notModified, headers: [.eTag: Response.quoted(tag)])
  }

  /// A tag as it stands in headers. Suffixes of revisions can be any text, so what may not stand there is encoded.
  static func quoted(_ tag: String) -> String {
    let isPlain = tag.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 }
    return "\"\(isPlain ? tag : PercentCoding.encode(tag))\""
  }

  /// The answer to a request that failed.
  init(_ error: any Error) {
    switch error {
    case let error as PouchError:
      self.init(error)
    case let error as MethodNotAllowed:
      let names = error.allowed.map(\.rawValue).joined(separator: ",")
      self.init(PouchError(.methodNotAllowed, "Only \(names) allowed"))
      headers[.allow] = names
    case is CancellationError:
      self.init(PouchError(.cancelled))
    default:
      self.init(PouchError(.internalError, underlying: error))
    }
  }

  private init(_ error: PouchError) {
    self.init(.init(code: error.code.status), error: error.name, reason: error.reason)
    if let delay = error.retryAfter { headers[.retryAfter] = String(max(1, delay.components.seconds)) }
  }

  private init(_ status: HTTPResponse.Status, error: String, reason: String) {
    var writer = JSONWriter(capacity: 96)
    writer.writeError(error, reason)
    self.init(status, encoded: writer.bytes)
  }

  /// The headers that every answer has.
  mutating func addUsualHeaders(server: String) {
    headers[.server] = server
    headers[.requestID] = Identifiers.request()
    // As in CouchDB, multipart answers do not have it.
    let isMultipart = headers[.contentType]?.hasPrefix("multipart/") ?? false
    if headers[.cacheControl] == nil, status != .notModified, !isMultipart {
      headers[.cacheControl] = "must-revalidate"
    }
  }

  /// The same head with an empty body: the answer to HEAD.
  var withoutBody: Response {
    var copy = self
    if let length = body.length { copy.headers[.contentLength] = String(length) }
    copy.body = .empty
    return copy
  }
}

extension JSONWriter {
  /// Appends `{"error": …, "reason": …}`.
  mutating func writeError(_ error: String, _ reason: String) {
    raw("{\"error\":")
    write(error)
    raw(",\"reason\":")
    write(reason)
    raw(byte: 0x7D)
  }
}
