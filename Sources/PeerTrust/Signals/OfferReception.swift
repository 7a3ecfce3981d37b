public import PouchCore

/// Where offers to a share arrive: everything that is checked before the gate is asked.
///
/// ```swift
/// let offer = try reception.receive(document, at: now, using: &generator)
/// switch gate.decision(on: offer.remote.fingerprint, ticket: book.verdict(on: offer.ticket, …)) { … }
/// …
/// reception.end(offer.session)
/// ```
///
/// The checks come in the order of the protocol: size, rate, id, epoch, whether the offer's key is new, decryption,
/// signature. Whatever fails is not answered. After each call ``epoch`` may be another key than the share's record has;
/// then the record is to be written anew.
public struct OfferReception: Sendable {
  public let share: ShareID
  private let owner: IdentityKey
  private var epochs: EpochKeys
  private var limiter = OfferLimiter()

  /// ``advance(at:using:)`` is to be called by ``nextChange``: openings that took too long count until then.
  /// - Parameter owner: the share's owner.
  public init(
    share: ShareID, owner: IdentityKey, at now: ContinuousClock.Instant,
    using generator: inout some RandomNumberGenerator
  ) {
    self.init(share: share, owner: owner, epochs: EpochKeys(at: now, using: &generator))
  }

  init(share: ShareID, owner: IdentityKey, epochs: EpochKeys) {
    self.share = share
    self.owner = owner
    self.epochs = epochs
  }

  /// The key to publish in the share's record.
  public var epoch: AgreementKey { epochs.published }

  /// How many openings are under way.
  public var pendingCount: Int { limiter.pendingCount }

  /// Checks an offer, and begins its opening.
  ///
  /// The opening goes on until ``end(_:)``, or until it took too long.
  /// - Throws: the first check that failed.
  public mutating func receive(
    _ document: Document, at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator
  ) throws(Rejection) -> ReceivedOffer {
    epochs.advance(at: now, using: &generator)
    guard document.body.bytes.count <= TrustLimits.signal else { throw .size }
    try limiter.count(at: now)
    let signal = try Signal(document)
    let header = try Result { () throws(Flaw) in
      guard signal.role == .opener else { throw Flaw(member: "_id") }
      return try OfferHeader(parsing: signal.header)
    }.orForm()
    guard header.share == share, signal.isBetween(header.session, and: share) else { throw .id }
    guard let epoch = epochs.epoch(of: header.epoch) else { throw .epoch }
    guard !epoch.seen.contains(header.key) else { throw .replay }
    let offer: ReceivedOffer
    do throws(Rejection) {
      offer = try ReceivedOffer(signal, header: header, epoch: epoch.key, owner: owner)
    } catch {
      // Only who can decrypt it made this key, so that nobody else uses it up.
      if error != .decryption { epochs.remember(header.key, in: header.epoch) }
      throw error
    }
    epochs.remember(header.key, in: header.epoch)
    try limiter.begin(offer.session, by: offer.remote, at: now)
    return offer
  }

  /// Gives an opening ``TrustLimits/decision`` from now, since somebody is asked about the remote.
  public mutating func ask(about session: SessionID, at now: ContinuousClock.Instant) {
    limiter.postpone(session, until: now + TrustLimits.decision)
  }

  /// Gives an opening ``TrustLimits/handshake`` from now, since the remote was let in.
  public mutating func proceed(with session: SessionID, at now: ContinuousClock.Instant) {
    limiter.postpone(session, until: now + TrustLimits.handshake)
  }

  /// Ends an opening that led to a connection, was refused, or failed.
  public mutating func end(_ session: SessionID) {
    limiter.end(session)
  }

  /// Replaces and drops keys whose time has come, and ends openings that took too long.
  /// - Returns: the openings that ended.
  public mutating func advance(
    at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator
  ) -> [SessionID] {
    epochs.advance(at: now, using: &generator)
    return limiter.expire(at: now)
  }

  /// When ``advance(at:using:)`` has something to do next.
  public var nextChange: ContinuousClock.Instant {
    min(epochs.nextChange, limiter.nextDeadline ?? epochs.nextChange)
  }
}
