/// How many signals a share looks at, and which openings of it are under way.
public struct OfferLimiter: Sendable {
  private struct Opening: Sendable {
    let remote: IdentityKey
    var deadline: ContinuousClock.Instant
  }

  /// When the last ``TrustLimits/offersPerSecond`` signals came, as a ring.
  private var arrivals: [ContinuousClock.Instant] = []
  private var oldest = 0
  private var openings: [SessionID: Opening] = [:]

  public init() {}

  /// How many openings are under way.
  public var pendingCount: Int { openings.count }

  /// Counts a signal that arrived.
  /// - Throws: ``Rejection/rate`` if there were as many as allowed within the second before, or as many openings are
  ///   under way as a share may have.
  mutating func count(at now: ContinuousClock.Instant) throws(Rejection) {
    guard openings.count < TrustLimits.pending else { throw .rate }
    if arrivals.count < TrustLimits.offersPerSecond {
      arrivals.append(now)
      return
    }
    guard now - arrivals[oldest] >= .seconds(1) else { throw .rate }
    arrivals[oldest] = now
    oldest = (oldest + 1) % arrivals.count
  }

  /// Begins an opening, until ``TrustLimits/handshake`` from now.
  /// - Throws: ``Rejection/session`` if there is one of this session, which goes on: another one would be one more to ask
  ///   about and to connect. ``Rejection/pending`` if there are as many of the remote as it may have.
  mutating func begin(_ session: SessionID, by remote: IdentityKey, at now: ContinuousClock.Instant) throws(Rejection) {
    guard openings[session] == nil else { throw .session }
    let own = openings.values.count { $0.remote == remote }
    guard own < TrustLimits.pendingPerIdentity else { throw .pending }
    openings[session] = Opening(remote: remote, deadline: now + TrustLimits.handshake)
  }

  /// Gives an opening longer, since somebody is being asked about it.
  mutating func postpone(_ session: SessionID, until deadline: ContinuousClock.Instant) {
    openings[session]?.deadline = deadline
  }

  /// Ends an opening that led to a connection, was refused, or failed.
  mutating func end(_ session: SessionID) {
    openings[session] = nil
  }

  /// Ends the openings that took too long, and tells which.
  mutating func expire(at now: ContinuousClock.Instant) -> [SessionID] {
    let late = openings.filter { now >= $0.value.deadline }.map(\.key)
    for session in late { openings[session] = nil }
    return late
  }

  /// When the next opening will have taken too long.
  var nextDeadline: ContinuousClock.Instant? { openings.values.map(\.deadline).min() }
}
