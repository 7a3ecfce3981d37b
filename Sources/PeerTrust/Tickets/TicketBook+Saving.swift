public import PouchCore

/// A book as JSON, `{tickets: [{ticket, left?, until?, key?}]}`, so that tickets outlive their process. It holds their
/// secrets.
///
/// The time that a ticket has left is kept twice: in milliseconds, and as a date of the machine's clock. The shorter
/// one counts, so that a clock that was set back gives nobody more than was left.
extension TicketBook {
  /// - Parameter date: seconds since 1970 by the machine's clock.
  public func saved(at now: ContinuousClock.Instant, date: Int) -> JSON {
    let tickets = entries.values.filter { !$0.isExpired(at: now) }.map { entry in
      var members: JSON.Object = ["ticket": JSON(entry.ticket.text)]
      if let expiry = entry.expiry {
        let left = Int((expiry - now) / .milliseconds(1))
        members["left"] = JSON(left)
        members["until"] = JSON(date + left / 1000)
      }
      members["key"] = entry.claimant.map { JSON(Base64URL.encode($0.bytes)) }
      return JSON.object(members)
    }
    return ["tickets": .array(tickets)]
  }

  /// The book of a share that was saved; entries that are damaged, of another share or past their time are left out.
  public init(saved: JSON, of share: ShareID, at now: ContinuousClock.Instant, date: Int) {
    self.init()
    for json in saved["tickets"]?.array ?? [] {
      guard let ticket = json["ticket"]?.string.flatMap({ try? Ticket($0) }), ticket.share == share else { continue }
      var expiry: ContinuousClock.Instant?
      if json["left"] != nil || json["until"] != nil {
        guard let left = json["left"]?.int, let until = json["until"]?.int, until > date else { continue }
        let (seconds, isBeyond) = until.subtractingReportingOverflow(date)
        guard !isBeyond, (0...TrustLimits.integer).contains(left) else { continue }
        expiry = now + min(.milliseconds(left), .seconds(seconds))
      }
      var claimant: IdentityKey?
      if let key = json["key"] {
        // A ticket whose claimant cannot be read must not become free again.
        guard let known = key.string.flatMap(Base64URL.decode).flatMap(IdentityKey.init) else { continue }
        claimant = known
      }
      do {
        try insert(Entry(ticket, expiry: expiry, claimant: claimant), at: now)
      } catch {
        return
      }
    }
  }
}
