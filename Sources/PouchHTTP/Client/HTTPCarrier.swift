import AsyncHTTPClient
public import CouchAPI
import HTTPTypes
import NIOCore
public import PouchCore

/// Brings requests to a server by HTTP.
///
/// ```swift
/// let carrier = try HTTPCarrier("https://user:password@couch.example/prefix")
/// let response = try await carrier.send(Request(.get, ["notes", "_all_docs"]))
/// ```
///
/// Connections are kept and shared by requests. Redirects are followed: with credentials within an origin, without any to
/// another one, never from `https` to `http`, at most five times. One that cannot be followed, since the request's body is
/// a stream or its method would change, is the response. A user and password in the URL are not sent by the carrier; whoever
/// authenticates finds them in ``credentials``.
public struct HTTPCarrier: Carrier {
  /// The user and password that stood in the URL.
  public let credentials: URLCredentials?
  /// The URL without them.
  public var url: String { base.origin + base.path }

  private let base: BaseURL
  private let configuration: HTTPCarrierConfiguration
  private let clients: HTTPClients

  /// - Parameter url: the server's `http` or `https` URL, with a path that goes before every request's, if any.
  /// - Throws: ``PouchError/Code/badRequest`` if it is no such URL.
  public init(
    _ url: String, configuration: HTTPCarrierConfiguration = HTTPCarrierConfiguration()
  ) throws(PouchError) {
    guard let base = BaseURL(url) else { throw PouchError(.badRequest, "This is no URL of a server.") }
    self.base = base
    self.configuration = configuration
    credentials = base.credentials
    clients = HTTPClients(configuration)
  }

  /// Takes a database's URL apart: `https://host/prefix/notes` is the database `notes` of `https://host/prefix`.
  /// - Returns: the server's URL, with a user and password if there are any, and the name, decoded.
  /// - Throws: ``PouchError/Code/badRequest`` if it is no such URL, or has no path.
  public static func split(databaseURL url: String) throws(PouchError) -> (server: String, database: String) {
    var url = url[...]
    while url.last == "/" { url.removeLast() }
    guard let base = BaseURL(String(url)), !base.path.isEmpty, let slash = url.lastIndex(of: "/"),
      let name = try Request(.get, target: String(url[slash...].replacing("+", with: "%2B"))).path.first
    else { throw PouchError(.badRequest, "This is no URL of a database.") }
    return (String(url[..<slash]), name)
  }

  public func close() async {
    await clients.close()
  }

  public func send(_ request: Request) async throws -> Response {
    try await carry(request)
  }

  // MARK: Exchanges

  @concurrent
  private func carry(_ request: Request) async throws -> Response {
    let patience = request.feedSilence ?? .zero
    var hop = Hop(request, base, asksForGzip: asksForGzip)
    var redirects = 0
    while true {
      let activity = Activity(limit: configuration.answerTimeout.map { $0 + patience })
      let response = try await execute(hop, activity, isLive: request.isLiveFeed)
      guard redirects < HTTPTuning.redirects, let next = hop.redirected(by: response) else {
        return hop.response(
          response, Activity(limit: configuration.stallTimeout + patience), clients,
          limit: request.isLiveFeed ? .max : configuration.maxInflated)
      }
      redirects += 1
      hop = next
    }
  }

  private var asksForGzip: Bool {
    switch configuration.compression {
    case .always: true
    case .remoteOnly: !base.isLoopback
    case .never: false
    }
  }

  private func execute(_ hop: Hop, _ activity: Activity, isLive: Bool) async throws -> HTTPClientResponse {
    let client = isLive ? clients.feeds : clients.requests
    do {
      return try await activity.bounded {
        while true {
          do {
            return try await client.execute(hop.request(activity), deadline: .distantFuture)
          } catch let error as HTTPClientError where error == .getConnectionFromPoolTimeout {
            // All connections are in use; nothing was sent.
            continue
          }
        }
      }
    } catch {
      throw TransportFailure.pouchError(error, to: hop.origin)
    }
  }
}
