import HTTPTypes
import PouchCore

extension Router {
  /// `GET`, `POST` and `DELETE /_session`
  func session(_ context: Context) async throws -> Response {
    try await context.authorize(.greet)
    try context.allow(.get, .head, .post, .delete)
    switch context.request.method {
    case .post: return try await logIn(context)
    case .delete:
      var response = Response.done()
      if let cookie = access.endingCookie { response.headers[.setCookie] = cookie }
      return response
    default: return describeSession(context.principal)
    }
  }

  private func describeSession(_ principal: Principal) -> Response {
    var info: JSON.Object = ["authentication_handlers": ["cookie", "default"]]
    switch principal.proof {
    case .cookie: info["authenticated"] = "cookie"
    case .password, .party: info["authenticated"] = "default"
    case .none: break
    }
    return Response(json: ["ok": true, "userCtx": principal.json, "info": .object(info)])
  }

  private func logIn(_ context: Context) async throws -> Response {
    let credentials = try await Credentials(context.request)
    let authentication: Authentication
    do {
      authentication = try await access.logIn(name: credentials.name, password: credentials.password)
    } catch let error as PouchError where error.code == .unauthorized {
      // Who fails to log in is nobody afterwards, whoever they were.
      var response = Response(error)
      response.headers[.setCookie] = access.endingCookie
      return response
    }
    let principal = authentication.principal
    var response = Response(json: [
      "ok": true, "name": principal.name.map { JSON($0) } ?? nil,
      "roles": .array(principal.roles.map { JSON($0) }),
    ])
    if let cookie = authentication.renewedCookie { response.headers[.setCookie] = cookie }
    return response
  }
}

extension Principal {
  /// CouchDB's `userCtx`.
  var json: JSON {
    ["name": name.map { JSON($0) } ?? nil, "roles": .array(roles.map { JSON($0) })]
  }
}

/// What somebody logs in with.
private struct Credentials {
  let name: String
  let password: String

  /// The longest body in bytes: far beyond any name and password.
  private static let limit = 64 << 10

  /// Reads a form or JSON.
  init(_ request: Request) async throws {
    let found: (name: String?, password: String?)
    switch request.mediaType {
    case "application/json":
      let body = try await request.jsonObject(upTo: Credentials.limit)
      found = (body["name"]?.string ?? body["username"]?.string, body["password"]?.string)
    case "application/x-www-form-urlencoded":
      let body = try await request.body.collect(upTo: Credentials.limit)
      let form = try Query(parsing: String(decoding: body, as: UTF8.self))
      found = (form.value("name", "username"), form["password"])
    default:
      found = (nil, nil)
    }
    guard let name = found.name else { throw PouchError(.badRequest, "request body must contain a username") }
    guard let password = found.password else {
      throw PouchError(.badRequest, "request body must contain a password")
    }
    self.name = name
    self.password = password
  }
}
