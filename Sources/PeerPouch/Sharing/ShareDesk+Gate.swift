import Logging
import PeerTrust
import PouchCore

/// Tickets, lists, and what is kept of them.
extension ShareDesk {
  func makeTicket(lifetime: Duration?) throws -> Ticket {
    guard terms.gate.takesTickets else { throw PouchError(.forbidden, "This share takes no tickets.") }
    let ticket = Ticket(to: id, hub: address.hub, using: &random)
    do throws(TicketBook.Full) {
      try ledger.book.add(ticket, lifetime: lifetime, at: options.time.now())
    } catch {
      throw PouchError(.tooManyRequests, "There are \(TrustLimits.tickets) tickets to this share already.")
    }
    try peer.folder?.keep(ledger.saved(options.time), of: id)
    return ticket
  }

  func revoke(_ ticket: Ticket) throws {
    ledger.book.revoke(ticket.keys.id)
    try peer.folder?.keep(ledger.saved(options.time), of: id)
  }

  func setAllowed(_ allowed: Set<Fingerprint>) async throws {
    terms.gate.allowed = allowed
    try await publish()
  }

  /// Ends what a forgotten identity has here.
  func forget(_ fingerprint: Fingerprint) async {
    ledger.book.revoke(claimedBy: fingerprint)
    keepLedger()
    terms.gate.allowed?.remove(fingerprint)
    await disconnect(fingerprint)
  }

  func keepLedger() {
    do {
      try peer.folder?.keep(ledger.saved(options.time), of: id)
    } catch {
      options.logger.warning(
        "The tickets of a share could not be kept.", metadata: ["share": "\(id)", "error": "\(error)"])
    }
  }
}

extension ShareDesk {
  /// A ticket that nobody has redeemed; `nil` if the gate takes none.
  func firstTicket() throws -> Ticket? {
    guard terms.gate.takesTickets else { return nil }
    let free = ledger.book.all.first { $0.claimant == nil && $0.expiry == nil }
    return try free?.ticket ?? makeTicket(lifetime: nil)
  }
}
