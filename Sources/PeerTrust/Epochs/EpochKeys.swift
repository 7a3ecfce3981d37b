/// The keys that offers to a share are sealed to, and which offers came already.
///
/// A key lives in memory only. It is replaced after ``TrustLimits/epochLife``, or after it opened
/// ``TrustLimits/epochOffers`` offers, and still opens offers for ``TrustLimits/predecessorLife`` afterwards, or until it
/// opened as many again. Whoever gets hold of the machine later can therefore not read older offers. The memory for
/// offers is bounded by these counts.
public struct EpochKeys: Sendable {
  /// A key and the offers it opened.
  struct Epoch: Sendable {
    let key: EphemeralKey
    /// When it is replaced, or dropped if it was replaced already.
    var end: ContinuousClock.Instant
    /// The offers' keys.
    var seen: Set<AgreementKey> = []
  }

  private var current: Epoch
  private var predecessor: Epoch?

  /// A new key.
  public init(at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator) {
    self.init(EphemeralKey(using: &generator), at: now)
  }

  init(_ key: EphemeralKey, at now: ContinuousClock.Instant) {
    current = Epoch(key: key, end: now + TrustLimits.epochLife)
  }

  /// The key to publish in the share's record.
  public var published: AgreementKey { current.key.publicKey }

  /// When ``advance(at:using:)`` has something to do next, unless offers make it earlier.
  public var nextChange: ContinuousClock.Instant {
    min(current.end, predecessor?.end ?? current.end)
  }

  /// Replaces and drops keys whose time has come. Afterwards ``published`` may be another key than before.
  public mutating func advance(at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator) {
    if now >= current.end || current.seen.count >= TrustLimits.epochOffers {
      // A key that should have been replaced long ago is none that openers could have read lately.
      let end = min(now, current.end) + TrustLimits.predecessorLife
      predecessor = Epoch(key: current.key, end: end, seen: current.seen)
      current = Epoch(key: EphemeralKey(using: &generator), end: now + TrustLimits.epochLife)
    }
    if let old = predecessor, now >= old.end || old.seen.count >= 2 * TrustLimits.epochOffers { predecessor = nil }
  }

  /// The epoch of a published key.
  func epoch(of key: AgreementKey) -> Epoch? {
    if current.key.publicKey == key { return current }
    if let predecessor, predecessor.key.publicKey == key { return predecessor }
    return nil
  }

  /// Remembers an offer's key, so that the epoch takes it only once.
  mutating func remember(_ offer: AgreementKey, in key: AgreementKey) {
    if current.key.publicKey == key {
      current.seen.insert(offer)
    } else if predecessor?.key.publicKey == key {
      predecessor?.seen.insert(offer)
    }
  }
}
