import PouchCore

/// Carries requests to a ``Router`` in the same process: a server without sockets.
///
/// What a ``RemoteDatabase`` over it reads and writes went through the whole API, as over HTTP.
public struct LocalCarrier: Carrier {
  private let router: Router

  public init(_ router: Router) {
    self.router = router
  }

  public func send(_ request: Request) async throws -> Response {
    if Task.isCancelled { throw PouchError(.cancelled) }
    return await router.respond(to: request)
  }

  public func close() async {}
}
