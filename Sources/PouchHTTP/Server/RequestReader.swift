import CouchAPI
import HTTPTypes
import NIOHTTP1
import PouchCore
import PouchGzip

/// A request as HTTP has it, checked and made into a ``CouchAPI/Request``.
struct RequestReader {
  let method: HTTPRequest.Method
  let headers: HTTPFields
  /// The path and query, in origin form.
  let target: Substring
  /// What the request calls this server.
  let host: String
  private let bodyLength: BodyLength

  private enum BodyLength {
    case none
    case known(Int64)
    case unknown
  }

  /// - Throws: ``PouchError/Code/badRequest`` for what cannot be read in only one way.
  init(_ head: HTTPRequestHead) throws(PouchError) {
    guard let method = HTTPRequest.Method(head.method.rawValue) else { throw PouchError(.methodNotAllowed) }
    self.method = method
    var headers = HTTPFields()
    headers.reserveCapacity(head.headers.count)
    for (name, value) in head.headers {
      guard let name = HTTPField.Name(name), HTTPField.isValidValue(value) else {
        throw PouchError(.badRequest, "A header is malformed.")
      }
      headers.append(HTTPField(name: name, value: value))
    }
    bodyLength = try RequestReader.bodyLength(headers)

    let hosts = headers[values: .hostName]
    guard hosts.count <= 1 else { throw PouchError(.badRequest, "The request names more than one host.") }
    if head.uri.hasPrefix("/") {
      guard let host = hosts.first else { throw PouchError(.badRequest, "The request names no host.") }
      (target, self.host) = (head.uri[...], host)
    } else if let scheme = ["http://", "https://"].first(where: head.uri.hasPrefix) {
      // Absolute form, as proxies send it (RFC 9112, section 3.2.2); its host is the one that counts.
      let rest = head.uri.dropFirst(scheme.count)
      let slash = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
      (target, self.host) = (
        rest[slash...].first == "/" ? rest[slash...] : "/" + rest[slash...], String(rest[..<slash])
      )
    } else {
      throw PouchError(.badRequest, "The request's target is no path.")
    }
    // Whoever makes URLs of it must not see another one than the one that is checked.
    headers[.hostName] = host
    self.headers = headers
  }

  private static func bodyLength(_ headers: HTTPFields) throws(PouchError) -> BodyLength {
    if let encoding = headers[.transferEncoding] {
      guard encoding.lowercased() == "chunked" else {
        throw PouchError(.notImplemented, "The only transfer encoding is chunked.")
      }
      return .unknown
    }
    guard let text = headers[.contentLength] else { return .none }
    guard let length = Int64(text), length >= 0 else { throw PouchError(.badRequest, "Content-Length is no number.") }
    return length == 0 ? .none : .known(length)
  }

  /// Makes the body that belongs to this request; `nil` if it has none.
  func body(_ connection: Connection, limit: Int64) -> RequestBody? {
    let expectsContinue = headers[.expect]?.lowercased() == "100-continue"
    switch bodyLength {
    case .none: return nil
    case .unknown:
      return RequestBody(connection, length: nil, limit: limit, expectsContinue: expectsContinue)
    case .known(let length):
      return RequestBody(connection, length: length, limit: limit, expectsContinue: expectsContinue)
    }
  }

  /// - Throws: ``PouchError/Code/badRequest`` for a path or query that is no percent-encoded UTF-8,
  ///   ``PouchError/Code/requestTooLarge``, ``PouchError/Code/unsupportedMediaType`` for a content coding that is not
  ///   known.
  func request(_ body: RequestBody?, limit: Int64) throws(PouchError) -> Request {
    var request = try Request(method, target: String(target), headers: headers)
    guard let body else { return request }
    if let length = body.length, length > limit { throw PouchError(.requestTooLarge) }
    request.body = .stream(body.stream, length: body.length)
    guard let coding = headers[.contentEncoding], !request.isAttachmentUpload else { return request }
    switch coding.lowercased() {
    case "identity": break
    case "gzip", "x-gzip":
      request.body = .stream(body.stream.inflated(upTo: limit), length: nil)
      request.headers[.contentEncoding] = nil
      request.headers[.contentLength] = nil
    default: throw PouchError(.unsupportedMediaType, "The content coding is not known; gzip is.")
    }
    return request
  }
}
