import CouchAPI
import Crypto
import HTTPTypes
import PouchCore
import Synchronization

/// The pages that a server has at `/_peerpouch/`: a console of its hub, and one to hand files over.
///
/// They are part of the executable, load nothing from elsewhere, and get their data as any other client does.
struct ServedPages: Sendable {
  /// The first segment of their paths.
  static let root = "_peerpouch"

  private let access: any AccessPolicy
  private let token: ConsoleToken?

  /// - Parameters:
  ///   - access: begins sessions.
  ///   - token: lets whoever has it begin one.
  init(_ access: any AccessPolicy, _ token: ConsoleToken?) {
    self.access = access
    self.token = token
  }

  /// Answers a request for the pages; `nil` for any other one.
  func respond(to request: Request) async -> Response? {
    guard request.path.first == ServedPages.root else { return nil }
    let rest = request.path.dropFirst()
    if rest == ["session"], request.method == .post { return await beginSession(request) }
    guard request.method == .get || request.method == .head, rest.count <= 1,
      let file = ServedPages.files[rest.first ?? ""]
    else { return ServedPages.refusal(.notFound, "missing") }
    var headers = ServedPages.headers
    headers[.contentType] = file.type
    headers[.eTag] = file.tag
    if request.headers[.ifNoneMatch] == file.tag { return Response(.notModified, headers: headers) }
    if request.method == .head {
      headers[.contentLength] = String(file.bytes.count)
      return Response(.ok, headers: headers)
    }
    return Response(.ok, headers: headers, body: .bytes(file.bytes))
  }

  // MARK: Sessions

  /// How long what begins a session may be in bytes.
  private static let tokenRequest = 1024

  /// `POST /_peerpouch/session` with `{"token": …}`: a session of the server's own admin, once.
  private func beginSession(_ request: Request) async -> Response {
    // A page of another site can send a form, but no JSON without asking before.
    guard request.headers[.contentType]?.hasPrefix("application/json") == true,
      let body = try? await request.body.collect(upTo: ServedPages.tokenRequest),
      let given = (try? JSON(parsing: body))?["token"]?.string
    else { return ServedPages.refusal(.badRequest, "There is no token.") }
    guard let token, token.redeem(given),
      let session = try? await access.logIn(name: ServerFiles.adminName, password: token.password)
    else {
      let reason = "The token is not the server's, or was used. A new start makes another one."
      return ServedPages.refusal(.unauthorized, reason)
    }
    var response = Response(
      .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: .bytes(Array("{\"ok\":true}\n".utf8)))
    response.headers[.setCookie] = session.renewedCookie
    return response
  }

  private static func refusal(_ status: HTTPResponse.Status, _ reason: String) -> Response {
    let error = status == .notFound ? "not_found" : status == .badRequest ? "bad_request" : "unauthorized"
    let json: JSON = ["error": JSON(error), "reason": JSON(reason)]
    return Response(status, headers: [.contentType: "application/json"], body: .bytes(JSONText(json).bytes))
  }

  // MARK: Files

  private struct File: Sendable {
    let type: String
    let bytes: [UInt8]
    let tag: String

    init(_ name: String) {
      guard let text = PageFiles.texts[name] else { preconditionFailure("\(name) is not embedded.") }
      type = ServedPages.types[name.split(separator: ".").last.map(String.init) ?? ""] ?? "application/octet-stream"
      bytes = Array(text.utf8)
      tag = "\"" + Hexadecimal.text(SHA256.hash(data: bytes).prefix(16)) + "\""
    }
  }

  private static let types = [
    "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8", "svg": "image/svg+xml",
  ]

  /// By the segment behind the root.
  private static let files: [String: File] = {
    var files: [String: File] = [:]
    for name in PageFiles.texts.keys where !name.hasSuffix(".html") { files[name] = File(name) }
    files[""] = File("console.html")
    files["send"] = File("send.html")
    return files
  }()

  /// Nothing but what the server itself has is loaded or run, no text becomes markup, and no other page shows these.
  private static let policy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' blob:",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].joined(separator: "; ")

  private static let headers: HTTPFields = [
    .contentSecurityPolicy: policy, .xContentTypeOptions: "nosniff", .cacheControl: "no-cache",
    .referrerPolicy: "no-referrer", .openerPolicy: "same-origin", .resourcePolicy: "same-origin",
  ]
}

/// What the address of the console carries behind its `#`, which browsers send to nobody: it begins one session.
final class ConsoleToken: Sendable {
  /// 128 random bits in hexadecimal.
  let text: String
  /// The password of the admin whose session it begins.
  let password: String
  private let isRedeemed = Mutex(false)
  private let key = SymmetricKey(size: .bits256)

  init(for password: String) {
    self.password = password
    text = SymmetricKey(size: .bits128).withUnsafeBytes { Hexadecimal.text($0) }
  }

  /// Uses the token up.
  /// - Returns: whether this is it, and for the first time.
  func redeem(_ given: String) -> Bool {
    // `==` of authentication codes takes constant time.
    let codes = [given, text].map { HMAC<SHA256>.authenticationCode(for: Array($0.utf8), using: key) }
    guard codes[0] == codes[1] else { return false }
    return isRedeemed.withLock { isRedeemed in
      defer { isRedeemed = true }
      return !isRedeemed
    }
  }
}

extension HTTPField.Name {
  fileprivate static let referrerPolicy = Self("Referrer-Policy")!
  fileprivate static let openerPolicy = Self("Cross-Origin-Opener-Policy")!
  fileprivate static let resourcePolicy = Self("Cross-Origin-Resource-Policy")!
}
