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
    try peer.folder?.keep(ledger.saved(options.time), of: address)
    return ticket
  }

  func revoke(_ ticket: Ticket) throws {
    ledger.book.revoke(ticket.keys.id)
    try peer.folder?.keep(ledger.saved(options.time), of: address)
  }

  func setAllowed(_ allowed: Set<Fingerprint>) async throws {
    terms.gate.allowed = allowed
    try await publish()
  }

  /// Ends what a forgotten identity has here.
  func forget(_ fingerprint: Fingerprint) async {
    ledger.forget(fingerprint)
    keepLedger()
    terms.gate.allowed?.remove(fingerprint)
    await disconnect(fingerprint)
  }

  /// Ends what identities have here that were forgotten since this was asked last, by whatever process of the installation.
  func noteForgotten() async {
    guard let forgotten = try? peer.folder?.forgottenIdentities() else { return }
    let new = ledger.revoke(forgotten)
    if !new.isEmpty { keepLedger() }
    for fingerprint in new {
      terms.gate.allowed?.remove(fingerprint)
      await disconnect(fingerprint)
      await peer.switchboard.disconnect(fingerprint)
    }
  }

  /// Looks now and then whether another process was told to forget somebody, until the task is cancelled.
  func watchForgotten() async {
    guard let folder = peer.folder else { return }
    var mark: FileMark?
    while !Task.isCancelled {
      let present = folder.forgottenMark
      if present != mark {
        mark = present
        await noteForgotten()
      }
      guard (try? await options.time.sleep(ShareDesk.forgottenLook)) != nil else { return }
    }
  }

  /// How often that is: a look costs a microsecond, and whoever forgets somebody does not want to wait.
  private static let forgottenLook = Duration.milliseconds(500)

  func keepLedger() {
    do {
      try peer.folder?.keep(ledger.saved(options.time), of: address)
    } catch {
      options.logger.warning(
        "The tickets of a share could not be kept.", metadata: ["share": "\(id)", "error": "\(error)"])
    }
  }
}

extension ShareDesk {
  /// Nothing is kept of the share any more: its tickets are worthless, also when the database is shared again.
  func discardLedger() {
    ledger = ShareLedger(forgotten: ledger.forgotten)
    peer.folder?.discard(address)
  }

  /// A ticket that nobody has redeemed, of the terms' lifetime; `nil` if the gate takes none.
  func firstTicket() throws -> Ticket? {
    guard terms.gate.takesTickets else { return nil }
    if let lifetime = terms.ticketLifetime { return try makeTicket(lifetime: lifetime) }
    let free = ledger.book.all.first { $0.claimant == nil && $0.expiry == nil && $0.ticket.address == address }
    return try free?.ticket ?? makeTicket(lifetime: nil)
  }
}
