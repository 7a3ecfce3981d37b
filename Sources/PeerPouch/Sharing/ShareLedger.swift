import PeerTrust
import PouchCore

/// What a sharer keeps of a share beside the database: its tickets, and the number of the last record it wrote.
struct ShareLedger: Sendable {
  var book: TicketBook
  /// 0 before the first record.
  var number: Int

  init() {
    book = TicketBook()
    number = 0
  }

  /// A ledger that was kept: `{n, tickets}`.
  init(saved: JSON, of share: ShareID, _ time: PeerTime) {
    book = TicketBook(saved: saved, of: share, at: time.now(), date: time.date())
    number = max(0, min(saved["n"]?.int ?? 0, TrustLimits.integer - 1))
  }

  func saved(_ time: PeerTime) -> JSON {
    var members = book.saved(at: time.now(), date: time.date()).object ?? [:]
    members["n"] = JSON(number)
    return .object(members)
  }
}
