import CouchAPI
import HTTPTypes
import PouchCore

/// Decides which requests reach the responder, by the names they use for this server and the web page they come from.
///
/// A browser sends requests for any page, with the user's cookies and passwords, and a page's own name may be made to
/// point to this machine. So a request must name this server by a name it has, and a page of another origin must be
/// listed. Programs send none of these headers and are not concerned.
struct RequestGuard: Sendable {
  /// What is to be done with a request.
  enum Verdict: Sendable {
    /// Answer it; the origin of the page that asks if it is another one, and listed.
    case answer(origin: String?)
    /// Answer it with this, and the responder need not know.
    case preflight(Response, origin: String)
    case refuse(PouchError)
  }

  private let names: ServerNames
  private let origins: Set<String>
  private let audience: HTTPServerConfiguration.Audience

  /// - Throws: ``PouchError/Code/badRequest`` for an origin that is none, such as `*`, and ``PouchError/Code/forbidden``
  ///   for an admin party that others could join.
  init(_ configuration: HTTPServerConfiguration) throws(PouchError) {
    names = ServerNames(configuration)
    var origins: Set<String> = []
    for origin in configuration.allowedOrigins { origins.insert(try RequestGuard.normalized(origin)) }
    self.origins = origins
    audience = configuration.audience
    if audience == .adminParty, !names.isLoopback {
      throw PouchError(.forbidden, "An admin party is for the loopback address only, not for \(configuration.host).")
    }
  }

  /// Whether answers depend on the origin that asks.
  var allowsOrigins: Bool { !origins.isEmpty }

  /// - Parameters:
  ///   - host: what the request calls this server, with the port.
  ///   - isLocal: whether both ends of the connection are on this machine.
  func verdict(_ method: HTTPRequest.Method, _ headers: HTTPFields, host: String, isLocal: Bool) -> Verdict {
    guard names.contains(host: host) else { return .refuse(PouchError(.misdirectedRequest)) }
    if audience == .adminParty {
      guard isLocal else { return .refuse(PouchError(.forbidden, "Only this machine may ask.")) }
      guard !headers.contains(where: { RequestGuard.isForwarding($0.name) }) else {
        return .refuse(PouchError(.forbidden, "Without an administrator, forwarded requests are not answered."))
      }
    }
    if let origin = headers[.origin] {
      if RequestGuard.isSame(origin, host: host) { return .answer(origin: nil) }
      guard origins.contains(origin) else {
        return .refuse(PouchError(.forbidden, "The origin is not allowed."))
      }
      if method == .options, let preflight = preflight(headers) { return .preflight(preflight, origin: origin) }
      return .answer(origin: origin)
    }
    switch headers[.secFetchSite] {
    case "cross-site", "same-site": return .refuse(PouchError(.forbidden, "Requests of other sites are not allowed."))
    default: return .answer(origin: nil)
    }
  }

  /// Whether a page's origin is this very server, whichever scheme a proxy in front of it speaks.
  private static func isSame(_ origin: String, host: String) -> Bool {
    for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where origin.hasPrefix(scheme) {
      let authority = origin.dropFirst(scheme.count)
      return authority == host || authority + port == host
    }
    return false
  }

  /// An origin as browsers write it: a scheme and a host in lower case, and the port if it is not the scheme's own.
  private static func normalized(_ origin: String) throws(PouchError) -> String {
    guard let url = BaseURL(origin), url.credentials == nil, url.path.isEmpty else {
      throw PouchError(.badRequest, "'\(origin)' is no web origin, such as https://app.example.")
    }
    return url.origin
  }

  private static func isForwarding(_ name: HTTPField.Name) -> Bool {
    let name = name.canonicalName
    return name == "forwarded" || name == "via" || name == "x-real-ip" || name.hasPrefix("x-forwarded-")
  }
}

// MARK: - Cross-origin resource sharing

extension RequestGuard {
  /// The headers that a page may send: those that CouchDB takes, and those of conditional and partial requests.
  private static let allowedHeaders: Set<String> = [
    "accept", "accept-language", "authorization", "cache-control", "content-encoding", "content-language",
    "content-md5", "content-type", "destination", "expires", "if-match", "if-none-match", "last-event-id",
    "last-modified", "origin", "pragma", "range", "referer", "x-couch-full-commit", "x-couch-id", "x-couch-persist",
    "x-couchdb-www-authenticate", "x-http-method-override", "x-requested-with",
  ]
  private static let allowedMethods = ["GET", "PUT", "POST", "HEAD", "DELETE", "COPY"]
  /// What CouchDB exposes, and what attachments need.
  private static let exposedHeaders =
    "content-type, cache-control, accept-ranges, etag, server, x-couch-request-id, x-couch-update-newrev, "
    + "x-couchdb-body-time, content-range, content-md5, location"
  private static let maxAge = "600"

  /// The answer to a browser that asks whether a page may send a request. As in CouchDB there is none for a method or
  /// header that may not be used; the browser then refuses the request because of what is missing.
  private func preflight(_ headers: HTTPFields) -> Response? {
    guard let method = headers[.accessControlRequestMethod], RequestGuard.allowedMethods.contains(method) else {
      return nil
    }
    let wanted = headers[.accessControlRequestHeaders]?.lowercased() ?? ""
    let names = wanted.split { $0 == "," || $0 == " " }.map(String.init)
    guard names.allSatisfy(RequestGuard.allowedHeaders.contains) else { return nil }
    return Response(
      .noContent,
      headers: [
        .accessControlAllowMethods: RequestGuard.allowedMethods.joined(separator: ", "),
        .accessControlAllowHeaders: names.joined(separator: ", "),
        .accessControlMaxAge: RequestGuard.maxAge,
      ])
  }

  /// Tells the browser that a page of a listed origin may read a response.
  func share(_ headers: inout HTTPFields, with origin: String?, isPreflight: Bool) {
    guard allowsOrigins else { return }
    headers.append(HTTPField(name: .vary, value: "Origin"))
    guard let origin else { return }
    headers[.accessControlAllowOrigin] = origin
    headers[.accessControlAllowCredentials] = "true"
    if !isPreflight { headers[.accessControlExposeHeaders] = RequestGuard.exposedHeaders }
  }
}

extension HTTPField.Name {
  static let hostName = HTTPField.Name("Host")!
  static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
