import AsyncHTTPClient
import CouchAPI
import HTTPTypes
import NIOCore
import NIOHTTP1
import PouchCore
import PouchGzip

/// One request to one server, on the way to a response: the first one, or what a redirect made of it.
struct Hop: Sendable {
  private let method: HTTPRequest.Method
  private let server: BaseURL
  /// The path and query.
  private let target: String
  private let headers: HTTPFields
  private let body: Body
  /// Whether the carrier, and not the caller, has asked for a compressed response.
  private let asksForGzip: Bool
  /// Whether the caller's credentials were left out because a redirect led to another origin.
  private let isForeign: Bool

  private static let credentialHeaders: [HTTPField.Name] = [.authorization, .cookie, .proxyAuthorization]
  private static let proxyCredentials = "x-auth-couchdb-"

  init(_ request: Request, _ base: BaseURL, asksForGzip: Bool) {
    method = request.method
    server = base
    target = base.path + request.target
    body = request.body
    var headers = request.headers
    for name in [HTTPField.Name.hostName, .connection, .contentLength, .transferEncoding] { headers[name] = nil }
    self.asksForGzip = asksForGzip && !headers.contains(.acceptEncoding)
    if self.asksForGzip { headers[.acceptEncoding] = "gzip" }
    self.headers = headers
    isForeign = false
  }

  /// The same request somewhere else.
  private init(_ hop: Hop, _ server: BaseURL, _ target: String) {
    method = hop.method
    self.server = server
    self.target = target
    body = hop.body
    asksForGzip = hop.asksForGzip
    isForeign = hop.isForeign || server.origin != hop.server.origin
    var headers = hop.headers
    if isForeign {
      for name in Hop.credentialHeaders { headers[name] = nil }
      headers = headers.filter { !$0.name.canonicalName.hasPrefix(Hop.proxyCredentials) }
    }
    self.headers = headers
  }

  var origin: String { server.origin }

  func request(_ activity: Activity) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: server.origin + target)
    request.method = HTTPMethod(rawValue: method.rawValue)
    for field in headers { request.headers.add(name: field.name.rawName, value: field.value) }
    switch body {
    case .empty: break
    case .bytes(let bytes): request.body = .bytes(ByteBuffer(bytes: bytes))
    case .stream(let stream, let length):
      let pieces = ByteStream {
        var iterator = stream.makeAsyncIterator()
        return {
          activity.note()
          return try await iterator.next(isolation: #isolation)
        }
      }
      request.body = .stream(
        pieces.map { ByteBuffer(bytes: $0) }, length: length.map { .known($0) } ?? .unknown)
    }
    return request
  }

  // MARK: Redirects

  /// What to send next, if the response is a redirect that may be followed.
  func redirected(by response: HTTPClientResponse) -> Hop? {
    switch response.status.code {
    case 307, 308: break
    // Whether other methods become GET is a matter of taste, and none of these would make sense as one.
    case 301, 302, 303: guard method == .get || method == .head else { return nil }
    default: return nil
    }
    if case .stream = body { return nil }
    guard let location = response.headers.first(name: "location"), let (server, target) = resolve(location),
      self.server.scheme == .http || server.scheme == .https
    else { return nil }
    return Hop(self, server, target)
  }

  /// The URL that a `Location` means, with the fragment left out.
  private func resolve(_ location: String) -> (BaseURL, target: String)? {
    let location = location.prefix { $0 != "#" }
    let mark = location.firstIndex(of: "?") ?? location.endIndex
    let query = String(location[mark...])
    let path = String(location[..<mark])
    guard query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    let url: BaseURL?
    if path.hasPrefix("//") {
      url = BaseURL("\(server.scheme.rawValue):\(path)")
    } else if path.hasPrefix("/") {
      url = BaseURL(server.origin + path)
    } else if path.contains("://") {
      url = BaseURL(path)
    } else {
      let current = target.prefix { $0 != "?" }
      let folder = current[...(current.lastIndex(of: "/") ?? current.startIndex)]
      url = BaseURL(server.origin + folder + path)
    }
    guard let url, url.credentials == nil else { return nil }
    return (url, (url.path.isEmpty ? "/" : url.path) + query)
  }

  // MARK: The response

  func response(
    _ response: HTTPClientResponse, _ activity: Activity, _ clients: HTTPClients, limit: Int64
  ) -> Response {
    var headers = HTTPFields()
    for (name, value) in response.headers {
      guard let name = HTTPField.Name(name) else { continue }
      headers.append(HTTPField(name: name, value: value))
    }
    if isForeign {
      // Another origin must not be able to set the cookies, or ask for the password, of this one.
      headers[.setCookie] = nil
      headers[.wwwAuthenticate] = nil
    }
    let status = HTTPResponse.Status(code: Int(response.status.code), reasonPhrase: response.status.reasonPhrase)
    guard method != .head, status != .noContent, status != .notModified else {
      return Response(status, headers: headers)
    }
    let length = headers[.contentLength].flatMap { Int64($0) }
    if length == 0 { return Response(status, headers: headers) }
    let reader = ResponseReader(response.body, activity, clients, origin: origin)
    let stream = ByteStream { { try await reader.next() } }
    guard asksForGzip, headers[.contentEncoding]?.lowercased() == "gzip" else {
      return Response(status, headers: headers, body: .stream(stream, length: length))
    }
    headers[.contentEncoding] = nil
    headers[.contentLength] = nil
    return Response(status, headers: headers, body: .stream(stream.inflated(upTo: limit), length: nil))
  }
}

/// Reads a response's body once. When it is dropped, so is the connection, unless the body was at its end.
private final class ResponseReader: @unchecked Sendable {
  // SAFETY: `iterator` is used by `next()` only, which the one reader of the stream calls one at a time: the child task
  // of `bounded` has ended before it returns.
  private var iterator: HTTPClientResponse.Body.AsyncIterator
  private let activity: Activity
  /// Kept open as long as there is something to read.
  private let clients: HTTPClients
  private let origin: String

  init(_ body: HTTPClientResponse.Body, _ activity: Activity, _ clients: HTTPClients, origin: String) {
    iterator = body.makeAsyncIterator()
    self.clients = clients
    self.activity = activity
    self.origin = origin
  }

  func next() async throws -> [UInt8]? {
    do {
      return try await activity.bounded { try await self.iterator.next().map { Array($0.readableBytesView) } }
    } catch {
      throw TransportFailure.pouchError(error, to: origin)
    }
  }
}
