import HTTPTypes
import PouchCore

/// The cookie of CouchDB's sessions.
enum SessionCookie {
  static let name = "AuthSession"

  /// The `name=value` of the session that a response gives, if it gives one.
  static func given(in headers: HTTPFields) -> String? {
    for header in headers[values: .setCookie] {
      let pair = header.prefix { $0 != ";" }
      guard pair.hasPrefix("\(name)="), pair.utf8.count > name.utf8.count + 1,
        pair.utf8.count <= RemoteLimits.cookie, pair.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2C })
      else { continue }
      return String(pair)
    }
    return nil
  }

  /// The request that begins a session.
  static func login(at root: [String], name: String, password: String) -> Request {
    let body: JSON = ["name": JSON(name), "password": JSON(password)]
    return Request(
      .post, root + ["_session"], headers: [.accept: "application/json", .contentType: "application/json"],
      body: .bytes(Array(body.text.utf8)))
  }
}
