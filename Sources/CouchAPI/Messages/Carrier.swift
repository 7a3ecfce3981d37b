/// What brings requests to a server and answers back: HTTP, or a tunnel to a peer.
///
/// Bodies stream both ways, pulled by their readers. A response whose body is dropped unread, and a task that is
/// cancelled while it waits or reads, end the exchange.
public protocol Carrier: Sendable {
  /// Sends a request and returns the response as soon as its head is there.
  ///
  /// Every status is a response; only what prevents one throws.
  /// - Throws: ``PouchError/Code/unreachable`` if nobody answers, ``PouchError/Code/timeout`` if nothing came in time,
  ///   ``PouchError/Code/badResponse`` for an answer that is no HTTP, ``PouchError/Code/cancelled``.
  func send(_ request: Request) async throws -> Response

  /// Ends what is kept for further requests.
  func close() async
}
