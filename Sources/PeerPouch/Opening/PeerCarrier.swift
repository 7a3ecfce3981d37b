import CouchAPI
import PeerTunnel
import PouchCore

/// Brings requests to a share over whatever connection there is to its owner; they wait while there is none.
struct PeerCarrier: Carrier {
  let connector: PeerConnector

  func send(_ request: Request) async throws -> Response {
    let line = try await connector.line()
    do {
      return try await line.carrier.send(request)
    } catch let error as PouchError where error.code == .unreachable {
      // Whether the connection has ended or the share is not given any more: another way is to be found.
      await connector.lost(line, error.reason)
      throw error
    }
  }

  func close() async {}

  /// Those over the tunnel do, and a request waits for a connection for the peer's patience only.
  var endsSilentExchanges: Bool { true }
}
