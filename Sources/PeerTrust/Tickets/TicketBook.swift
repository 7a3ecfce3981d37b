/// The tickets of a share: which are good, and who redeemed them.
///
/// A ticket belongs to the first key that redeems it; everybody else is refused, and the sharer is told.
public struct TicketBook: Sendable {
  /// What is known of a ticket.
  public struct Entry: Sendable, Hashable {
    public let ticket: Ticket
    /// When it stops being good, by the sharer's monotonic clock; `nil` if it never does.
    public let expiry: ContinuousClock.Instant?
    /// Who redeemed it.
    public internal(set) var claimant: IdentityKey?
    let keys: TicketKeys

    init(_ ticket: Ticket, expiry: ContinuousClock.Instant?, claimant: IdentityKey? = nil) {
      self.ticket = ticket
      self.expiry = expiry
      self.claimant = claimant
      keys = ticket.keys
    }

    public func isExpired(at now: ContinuousClock.Instant) -> Bool {
      expiry.map { now >= $0 } ?? false
    }
  }

  /// What a book says of a shown ticket.
  public enum Verdict: Sendable, Hashable {
    /// None was shown.
    case none
    /// It is good for this key.
    case good(TicketID)
    /// There is no such ticket here, or the proof was not made with it.
    case wrong
    /// It was good once.
    case expired
    /// It is another key's.
    case claimed(by: IdentityKey)
  }

  /// ``TrustLimits/tickets`` are there already.
  public struct Full: Error, Sendable, Hashable {}

  private(set) var entries: [TicketID: Entry] = [:]

  public init() {}

  /// The tickets, in no order.
  public var all: [Entry] { Array(entries.values) }

  /// Takes up a new ticket.
  /// - Parameter lifetime: how long it is good, or `nil` for always.
  public mutating func add(_ ticket: Ticket, lifetime: Duration?, at now: ContinuousClock.Instant) throws(Full) {
    try insert(Entry(ticket, expiry: lifetime.map { now + $0 }), at: now)
  }

  mutating func insert(_ entry: Entry, at now: ContinuousClock.Instant) throws(Full) {
    if entries.count >= TrustLimits.tickets { entries = entries.filter { !$0.value.isExpired(at: now) } }
    guard entries.count < TrustLimits.tickets else { throw Full() }
    entries[entry.keys.id] = entry
  }

  /// What a proof is worth, shown by this key.
  public func verdict(on proof: TicketProof?, by key: IdentityKey, at now: ContinuousClock.Instant) -> Verdict {
    guard let proof else { return .none }
    guard let entry = entries[proof.id], proof.isMade(with: entry.keys) else { return .wrong }
    if entry.isExpired(at: now) { return .expired }
    if let claimant = entry.claimant, claimant != key { return .claimed(by: claimant) }
    return .good(proof.id)
  }

  /// Gives a good ticket to the key that redeemed it. To be called when the key is let in by it, in the same step as the
  /// verdict.
  public mutating func claim(_ id: TicketID, by key: IdentityKey) {
    if entries[id]?.claimant == nil { entries[id]?.claimant = key }
  }

  public mutating func revoke(_ id: TicketID) {
    entries[id] = nil
  }

  /// Revokes what an identity redeemed, since it is forgotten.
  public mutating func revoke(claimedBy fingerprint: Fingerprint) {
    entries = entries.filter { $0.value.claimant?.fingerprint != fingerprint }
  }
}
