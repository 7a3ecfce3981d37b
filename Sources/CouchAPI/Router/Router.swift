import HTTPTypes
import PouchCore

/// CouchDB's HTTP API over a set of databases: a request in, a response out, whatever carries them.
///
/// ```swift
/// let router = Router(databases, access: AdminAccounts(["admin": password]))
/// let response = await router.respond(to: Request(.get, ["notes", "_all_docs"], query: ["limit": "10"]))
/// ```
///
/// Every request passes the ``AccessPolicy``: first it tells whose request it is, then each route names the
/// ``Operation`` it is about to do, and the policy allows or refuses it.
public struct Router: Sendable {
  let databases: any DatabaseSet
  let access: any AccessPolicy
  let options: RouterOptions

  /// - Parameters:
  ///   - databases: what is served.
  ///   - access: who may do what.
  ///   - options: bounds, the server's identity, and the replication service if there is one.
  public init(_ databases: any DatabaseSet, access: any AccessPolicy, options: RouterOptions = RouterOptions()) {
    self.databases = databases
    self.access = access
    self.options = options
  }

  /// Answers a request. What fails becomes CouchDB's `{"error": …, "reason": …}` with its status.
  ///
  /// The head is there as soon as the outcome is known; long bodies are streams that read on as they are pulled, and
  /// end their work when they are dropped or their reader is cancelled. The body of an answer to HEAD is empty, with
  /// the length that GET would have in `Content-Length` where it is known.
  public func respond(to request: Request) async -> Response {
    let request = request.withOverriddenMethod
    var cookie: String?
    var response: Response
    do {
      let authentication = try await authenticate(request)
      cookie = authentication.renewedCookie
      response = try await dispatch(Context(router: self, request: request, principal: authentication.principal))
    } catch {
      response = Response(error)
    }
    response.addUsualHeaders(server: options.serverName)
    if let cookie, response.headers[.setCookie] == nil { response.headers[.setCookie] = cookie }
    return request.method == .head ? response.withoutBody : response
  }

  /// Whose request it is. `GET /` is answered though credentials cannot be read, since clients probe a server by it, but
  /// not if they are wrong, since clients try them by it; and nothing that was left of a session must keep anybody from
  /// logging in anew, or out.
  private func authenticate(_ request: Request) async throws -> Authentication {
    do {
      return try await access.authenticate(request)
    } catch {
      let isProbe = request.path.isEmpty && (error as? PouchError)?.code == .badRequest
      guard isProbe || (request.path == ["_session"] && request.method != .get) else { throw error }
      return Authentication(.anonymous)
    }
  }
}
