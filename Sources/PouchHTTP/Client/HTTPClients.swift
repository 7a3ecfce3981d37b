import AsyncHTTPClient
import NIOCore

/// The connections of a carrier, closed when nobody uses them any more.
final class HTTPClients: Sendable {
  let requests: HTTPClient
  /// Live feeds have connections of their own: waiting, they would use up those of other requests.
  let feeds: HTTPClient

  init(_ configuration: HTTPCarrierConfiguration) {
    requests = HTTPClients.client(configuration, connections: configuration.maxConnections)
    feeds = HTTPClients.client(configuration, connections: configuration.maxFeeds)
  }

  deinit {
    Task { [requests, feeds] in await HTTPClients.close(requests, feeds) }
  }

  func close() async { await HTTPClients.close(requests, feeds) }

  private static func close(_ clients: HTTPClient...) async {
    // It fails only for one that was closed before.
    for client in clients { try? await client.shutdown() }
  }

  private static func client(_ configuration: HTTPCarrierConfiguration, connections: Int) -> HTTPClient {
    var client = HTTPClient.Configuration()
    client.redirectConfiguration = .disallow
    client.timeout.connect = TimeAmount(configuration.connectTimeout)
    client.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
    client.connectionPool.idleTimeout = TimeAmount(configuration.idleTimeout)
    // Who cannot be reached is told at once; trying again is up to those who know what for.
    client.connectionPool.retryConnectionEstablishment = false
    client.httpVersion = .automatic
    client.decompression = .disabled
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: client)
  }
}
