public import PeerTrust
import PouchCore
import Synchronization

/// A database that is being shared, until ``stop()`` or the end of the process.
///
/// ```swift
/// let share = try await hub.shareDatabase(notes, name: "notes", gate: Gate(takesTickets: true))
/// print(share.dbname, share.ticket?.text ?? "")
/// for await event in share.events { … }
/// ```
///
/// Everything it does happens in one task that it owns.
public final class Share: Sendable {
  /// Where it is: whoever has this has authenticated the sharer.
  public let address: ShareAddress
  public let name: String
  public let access: ShareAccess
  /// A ticket that nobody has redeemed yet, if the gate takes tickets.
  public let ticket: Ticket?
  let desk: ShareDesk
  private let peer: LocalPeer
  private let phase = Mutex(Phase.new)

  private enum Phase {
    /// It is not at work yet.
    case new
    case running(Task<Void, Never>)
    case ended
  }

  init(_ desk: ShareDesk, _ peer: LocalPeer, ticket: Ticket?) {
    self.desk = desk
    self.peer = peer
    self.ticket = ticket
    address = desk.address
    name = desk.name
    access = desk.access
  }

  /// Begins the share's work.
  /// - Parameter position: of the hub, after which signals are read.
  /// - Throws: ``PouchError/closed`` if it was stopped before.
  func start(after position: UpdateSequence) throws(PouchError) {
    let isStarted = phase.withLock { phase in
      guard case .new = phase else { return false }
      phase = .running(Task { [desk] in await desk.run(after: position) })
      return true
    }
    guard isStarted else { throw .closed }
  }

  /// The address as text, under the seed's name.
  public var dbname: String { address.text }
  /// The id of its document in the hub; the same each time this database is shared by this identity.
  public var id: String { address.share.text }

  /// Who uses the share now.
  public var remotes: [ConnectedRemote] {
    get async { await desk.remotes }
  }

  /// What happens from now on; the first to ask also gets what has happened before. A follower that does not keep up loses
  /// the oldest of 64 events that wait for it.
  public var events: AsyncStream<ShareEvent> { desk.events.values }

  /// Makes another ticket, for one more identity.
  /// - Parameter lifetime: how long it is good by this side's clock; always if `nil`.
  /// - Throws: ``PouchError/Code/forbidden`` if the gate takes no tickets, ``PouchError/Code/tooManyRequests`` if there
  ///   are 1,024, ``PouchError/Code/ioError`` if it cannot be kept.
  public func makeTicket(lifetime: Duration? = nil) async throws -> Ticket {
    try await desk.makeTicket(lifetime: lifetime)
  }

  /// Makes a ticket worthless for all who try it from now on. Whoever is connected stays so.
  public func revoke(_ ticket: Ticket) async throws {
    try await desk.revoke(ticket)
  }

  /// Changes who is let in from now on. Remotes that are connected stay so.
  public func setAllowed(_ allowed: Set<Fingerprint>) async throws {
    try await desk.setAllowed(allowed)
  }

  /// Ends the connections of an identity to this share. It may come back if the gate lets it in.
  public func disconnect(_ identity: Fingerprint) async {
    await desk.disconnect(identity)
  }

  /// Ends sharing: removes the share from the hub, and drops those who use it. Stopping twice does nothing.
  ///
  /// If the hub cannot be reached, the share disappears when its lease is over.
  public func stop() async {
    let phase = finish()
    if case .ended = phase { return }
    peer.shares.remove(self)
    await desk.dismiss()
    await Share.halt(phase)
    await desk.end()
  }

  /// Removes what may be in the hub of a share that did not begin: the hub may have taken the record, though no answer came.
  func abandon() async {
    _ = finish()
    peer.shares.remove(self)
    await desk.end()
  }

  /// Ends sharing for good: as ``stop()``, and no ticket is good any more when the database is shared again.
  public func end() async {
    await stop()
    await desk.discardLedger()
  }

  /// Ends the share's work and leaves what it wrote, as the death of the process does.
  func halt() async { await Share.halt(finish()) }

  private func finish() -> Phase {
    phase.withLock { phase in
      defer { phase = .ended }
      return phase
    }
  }

  private static func halt(_ phase: Phase) async {
    guard case .running(let task) = phase else { return }
    task.cancel()
    await task.value
  }
}
