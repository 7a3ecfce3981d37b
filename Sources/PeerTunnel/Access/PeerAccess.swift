public import CouchAPI
import HTTPTypes
public import PouchCore

/// A shared database as one peer may use it: the handler of its requests.
///
/// ```swift
/// let access = PeerAccess(to: notes, as: share.id, for: remote.identity, .readOnly, PeerQuota())
/// let session = TunnelSession(channel, .sharer(share: share.id, access.respond), proof)
/// ```
///
/// Nothing that a peer sends is passed through: of each request a new one is built, from a path, parameters and headers
/// that ``PeerRoute`` lists, and answered by a ``Router`` that knows this database only. What is not allowed and what
/// does not exist look alike.
///
/// Paths begin with the share's id, in place of the name of a database.
public struct PeerAccess: Sendable {
  private let share: String
  private let grant: PeerGrant
  private let limits: AccessLimits
  private let quota: PeerQuota
  private let router: Router

  /// - Parameters:
  ///   - share: the share's id, with which all paths begin: lower-case letters, digits and hyphens.
  ///   - identity: who the peer is, as text of letters and digits: the fingerprint of its key. Its local documents are
  ///     kept under this name.
  ///   - quota: common to all shares that the peer uses over a connection.
  ///   - freeSpace: how many bytes the disk of the database has left; `nil` if that is not known.
  public init(
    to database: any Database, as share: String, for identity: String, _ grant: PeerGrant, _ quota: PeerQuota,
    limits: AccessLimits = AccessLimits(), freeSpace: @escaping @Sendable () -> Int64? = { nil }
  ) {
    self.share = share
    self.grant = grant
    self.limits = limits
    self.quota = quota
    let view = PeerView(
      base: database, name: share, grant: grant, room: LocalRoom(of: identity), limits: limits, quota: quota,
      freeSpace: freeSpace)
    let policy = PeerPolicy(
      share: share, grant: grant, principal: Principal(name: identity, proof: .none), view: view)
    var options = RouterOptions()
    options.limits = limits.router
    router = Router(SharedDatabaseSet(share: share, shared: database), access: policy, options: options)
  }

  /// Answers a request of the peer.
  public func respond(to request: Request) async -> Response {
    do {
      return try await answer(request)
    } catch let error as PouchError {
      return Response(peerError: error)
    } catch {
      return Response(peerError: PouchError(.internalError))
    }
  }

  private func answer(_ request: Request) async throws -> Response {
    guard request.path.first == share, let target = PeerTarget(request.path.dropFirst()),
      let route = PeerRoute(request.method, target), route.isAllowed(by: grant)
    else { throw PouchError.missing }
    let (body, memory) = try await take(request, route.body)
    var clean = Request(
      request.method, [share] + target.segments, query: query(of: request, route, target),
      headers: route.headers(of: request.headers), body: body)
    if case .json = route.body { clean.headers[.contentType] = "application/json" }
    let place = try await place(clean, target, route.weight)
    let response = await router.respond(to: clean)
    withExtendedLifetime(memory) {}
    return response.forPeers.keeping(place, unlessBelow: limits.smallBody)
  }

  /// A place among the documents, the lists or the live feeds, for as long as the answer is read.
  private func place(
    _ request: Request, _ target: PeerTarget, _ weight: PeerRoute.Weight
  ) async throws -> Allowance.Share? {
    switch weight {
    case .light: return nil
    case .document: return try await quota.documents.take()
    case .list: break
    }
    guard target == .changes, let feed = request.query["feed"], feed != "normal" else {
      return try await quota.lists.take()
    }
    guard let place = quota.feeds.takeNow() else {
      throw PouchError(.tooManyRequests, "There are \(limits.feeds) live feeds on this connection already.")
    }
    return place
  }

  private func query(of request: Request, _ route: PeerRoute, _ target: PeerTarget) -> Query {
    var query = Query()
    for item in request.query.items where route.parameters.contains(item.name) { query[item.name] = item.value }
    guard target == .changes, let feed = query["feed"], feed != "normal" else { return query }
    // A feed shows that it lives before the tunnel takes it for dead.
    if let text = query["heartbeat"], text != "false" {
      query["heartbeat"] = String(min(Int(text) ?? limits.heartbeat, limits.heartbeat))
    } else {
      let timeout = query["timeout"].flatMap { Int($0) } ?? limits.heartbeat
      query["timeout"] = String(min(timeout, limits.heartbeat))
    }
    return query
  }

  // MARK: Bodies

  /// Takes a request's body as far as it has to be in memory.
  /// - Returns: the body, and what keeps its memory counted.
  private func take(_ request: Request, _ kind: PeerRoute.BodyKind) async throws -> (Body, Allowance.Share?) {
    switch kind {
    case .none: return (.empty, nil)
    case .attachment: return (request.body, nil)
    case .json: return try await collect(request.body, upTo: limits.request)
    case .bulk: return try await collect(request.body, upTo: limits.bulk)
    case .document:
      let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
      if type == "multipart/related" { return (request.body, nil) }
      return try await collect(request.body, upTo: limits.documentRequest)
    }
  }

  private func collect(_ body: Body, upTo limit: Int) async throws -> (Body, Allowance.Share?) {
    let length = body.length ?? Int64(limit)
    guard length <= limit else { throw PouchError(.requestTooLarge) }
    let memory = length > limits.smallBody ? try await quota.bodies.take(Int(length)) : nil
    let bytes = try await body.collect(upTo: limit)
    // Documents are looked at one by one, when they are written; this is for the rest.
    guard JSONDepth.isWithin(limits.jsonDepth + 8, bytes) else { throw JSONDepth.error(limits.jsonDepth) }
    return (.bytes(bytes), memory)
  }
}

extension PeerRoute {
  /// The headers that go on.
  fileprivate func headers(of headers: HTTPFields) -> HTTPFields {
    var kept = HTTPFields()
    for field in headers where self.headers.contains(field.name) { kept.append(field) }
    return kept
  }
}

extension Response {
  fileprivate init(peerError error: PouchError) {
    let json: JSON = ["error": JSON(error.name), "reason": JSON(error.reason)]
    var bytes = JSONText(json).bytes
    bytes.append(0x0A)
    self.init(.init(code: error.code.status), headers: [.contentType: "application/json"], body: .bytes(bytes))
  }

  /// What of a response is for peers: not what tells of the server.
  fileprivate var forPeers: Response {
    var copy = self
    copy.headers = HTTPFields()
    for field in headers where Response.headersForPeers.contains(field.name) { copy.headers.append(field) }
    return copy
  }

  private static let headersForPeers: Set<HTTPField.Name> = [
    .contentType, .contentEncoding, .contentLength, .contentRange, .contentDisposition, .contentSecurityPolicy,
    .xContentTypeOptions, .acceptRanges, .eTag, .retryAfter,
  ]

  /// The same, and something that is kept until the body was read, or dropped.
  /// - Parameter size: how many bytes in memory do not matter.
  fileprivate func keeping(_ place: Allowance.Share?, unlessBelow size: Int) -> Response {
    if case .bytes(let bytes) = body, bytes.count <= size { return self }
    guard let place, body.length != 0 else { return self }
    let content = body.stream
    var copy = self
    copy.body = .stream(
      ByteStream {
        var pieces = content.makeAsyncIterator()
        return {
          defer { withExtendedLifetime(place) {} }
          return try await pieces.next(isolation: #isolation)
        }
      }, length: body.length)
    return copy
  }
}
