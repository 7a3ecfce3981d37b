/// How an ``HTTPCarrier`` connects, and how long it waits.
public struct HTTPCarrierConfiguration: Sendable {
  /// The most connections for ordinary requests. Further requests wait for one. With HTTP/2
  /// there is one, shared by all requests.
  public var maxConnections = 16
  /// The most connections for live feeds, each of which occupies one as long as it lasts.
  public var maxFeeds = 64
  /// How long connecting may take, TLS included.
  public var connectTimeout = Duration.seconds(10)
  /// How long a server may think: the time from the last byte of the request that was sent to the head of the response.
  /// A live feed is given the time between its heartbeats, or its own time-out, in addition. `nil` is for callers that
  /// watch over that themselves, as `RemoteDatabase` does.
  public var answerTimeout: Duration? = .seconds(120)
  /// How long the body of a response may bring nothing. Any byte, such as a heartbeat, starts it anew; a live feed is
  /// given additional time as above.
  public var stallTimeout = Duration.seconds(60)
  /// How long a connection without a request is kept.
  public var idleTimeout = Duration.seconds(30)
  /// How many bytes a compressed response may become, unless it is a live feed; reading throws beyond it.
  public var maxInflated: Int64 = 16 << 30
  /// Whether compressed responses are asked for.
  public var compression = Compression.remoteOnly

  /// Whether compressed responses are asked for. A request that has `Accept-Encoding` itself gets what it asked for.
  public enum Compression: Sendable, Hashable {
    /// From any server.
    case always
    /// From servers on other machines.
    case remoteOnly
    /// Never.
    case never
  }

  public init() {}
}
