/// What brings requests to a server and answers back: HTTP, or a tunnel to a peer.
///
/// Bodies stream both ways, pulled by their readers. A response whose body is dropped unread, and a task that is
/// cancelled while it waits or reads, end the exchange; that the task which sent the request has ended does not.
///
/// What ``RemoteDatabase`` relies on:
/// - Time: a body that stalls ends with ``PouchError/Code/timeout``, so that no reader of an attachment waits for ever.
/// - Compression: a request that has no `Accept-Encoding` may be sent with one of the carrier's own, and the body is
///   then delivered decompressed, without `Content-Encoding`. Of a request that has one, the response is delivered as
///   it came.
/// - Redirects: the carrier follows them, at most five for a request: 301, 302, 307 and 308 for GET and HEAD, 307 and
///   308 for other methods if their body is in memory. `Authorization` and `Cookie` never go to another origin (scheme,
///   host and port), and HTTPS is never left for HTTP. A redirect that is not followed is delivered as a response.
public protocol Carrier: Sendable {
  /// Sends a request and returns the response as soon as its head is there.
  ///
  /// Every status is a response; only what prevents one throws.
  /// - Throws: ``PouchError/Code/unreachable`` if nobody answers, and only if it is certain that the request was not
  ///   received: it may be sent again whatever it does. ``PouchError/Code/timeout`` if nothing came in time,
  ///   ``PouchError/Code/badResponse`` if the connection broke off or the answer is no HTTP,
  ///   ``PouchError/Code/cancelled``, and the errors of the request's own body.
  func send(_ request: Request) async throws -> Response

  /// Ends what is kept for further requests.
  func close() async

  /// Whether an exchange in which nothing comes and goes for too long ends with an error by itself, so that nobody else has to
  /// watch it; not unless said.
  var endsSilentExchanges: Bool { get }
}

extension Carrier {
  public var endsSilentExchanges: Bool { false }
}
