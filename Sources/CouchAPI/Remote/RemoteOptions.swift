/// How a ``RemoteDatabase`` behaves towards its server, and what it takes from the world besides.
public struct RemoteOptions: Sendable {
  /// How many times a request that failed for a passing reason is sent again. Requests that are not known to be
  /// harmless when repeated are only sent again if the server cannot have received them.
  public var repetitions = RemoteTuning.repetitions
  /// The delay before the first repetition. It doubles with each, and chance shortens it by up to a half.
  public var firstDelay = RemoteTuning.firstDelay
  /// The longest `Retry-After` that is waited for. An error that asks for more is thrown, with its
  /// ``PouchError/retryAfter``.
  public var longestRetryAfter = RemoteTuning.longestRetryAfter
  /// How long a server may be silent, while it is asked something, before it counts as dead.
  public var silence = RemoteTuning.silence
  /// How often the server shall give a sign of life while it waits for changes.
  public var heartbeat = RemoteTuning.heartbeat
  /// What measures the delays.
  public var clock: any Clock<Duration> = ContinuousClock()
  /// Chance: a number from 0 up to 1.
  public var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

  /// The usual behaviour.
  public init() {}
}

/// Who asks a server.
public enum RemoteCredentials: Sendable, Hashable {
  /// Name and password with each request (RFC 7617).
  case basic(name: String, password: String)
  /// A session: name and password are sent once to `_session`, and again when its cookie has run out.
  case session(name: String, password: String)
}

extension RemoteCredentials: CustomStringConvertible, CustomDebugStringConvertible {
  /// The name, never the password.
  public var description: String {
    switch self {
    case .basic(let name, _), .session(let name, _): name
    }
  }

  public var debugDescription: String { description }
}
