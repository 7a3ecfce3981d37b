import PeerTrust
import PouchCore

/// What a sharer keeps of a share beside the database: its tickets, and the number of the last record it wrote.
struct ShareLedger: Sendable {
  var book: TicketBook
  /// 0 before the first record.
  var number: Int
  /// Who was asked about and is let in without that from now on; at most ``TrustLimits/knownIdentities``.
  private(set) var admitted: Set<Fingerprint> = []
  /// Up to which number of the forgotten identities their tickets were revoked.
  var forgotten: Int

  /// - Parameter forgotten: whoever was forgotten before has no tickets to a share that was never there.
  init(forgotten: Int = 0) {
    book = TicketBook()
    number = 0
    self.forgotten = forgotten
  }

  /// Lets an identity in without being asked about, if there is room.
  mutating func admit(_ fingerprint: Fingerprint) {
    if admitted.count < TrustLimits.knownIdentities { admitted.insert(fingerprint) }
  }

  /// Takes back what lets an identity in.
  mutating func forget(_ fingerprint: Fingerprint) {
    book.revoke(claimedBy: fingerprint)
    admitted.remove(fingerprint)
  }

  /// Forgets identities that the installation was told to forget since.
  /// - Returns: whom, if there were any.
  mutating func revoke(_ identities: ForgottenIdentities) -> [Fingerprint] {
    let new = identities.after(forgotten)
    for fingerprint in new { forget(fingerprint) }
    forgotten = max(forgotten, identities.last)
    return new
  }

  /// A ledger that was kept: `{n, f, tickets, admitted}`.
  init(saved: JSON, of share: ShareID, _ time: PeerTime) {
    book = TicketBook(saved: saved, of: share, at: time.now(), date: time.date())
    number = max(0, min(saved["n"]?.int ?? 0, TrustLimits.integer - 1))
    admitted = Set(saved["admitted"]?.array?.compactMap { $0.string.flatMap { Fingerprint($0) } } ?? [])
    forgotten = ShareLedger.forgotten(saved)
  }

  /// ``forgotten`` of a ledger that was kept.
  static func forgotten(_ saved: JSON) -> Int { max(0, min(saved["f"]?.int ?? 0, TrustLimits.integer - 1)) }

  /// Whether a ledger that was kept has nothing but tickets whose time is over.
  /// - Parameter date: seconds since 1970 by the machine's clock.
  static func isOver(_ saved: JSON, at date: Int) -> Bool {
    guard let tickets = saved["tickets"]?.array, !tickets.isEmpty, saved["admitted"] == nil else { return false }
    return tickets.allSatisfy { $0["until"]?.int.map { $0 < date } ?? false }
  }

  func saved(_ time: PeerTime) -> JSON {
    var members = book.saved(at: time.now(), date: time.date()).object ?? [:]
    members["n"] = JSON(number)
    members["f"] = JSON(forgotten)
    if !admitted.isEmpty { members["admitted"] = .array(admitted.sorted().map { JSON($0.text) }) }
    return .object(members)
  }
}
