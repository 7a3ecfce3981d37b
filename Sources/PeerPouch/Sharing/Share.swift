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
  private let task = Mutex<Task<Void, Never>?>(nil)

  init(_ desk: ShareDesk, _ peer: LocalPeer, ticket: Ticket?) {
    self.desk = desk
    self.peer = peer
    self.ticket = ticket
    address = desk.address
    name = desk.name
    access = desk.access
  }

  func start() {
    task.withLock { $0 = Task { [desk] in await desk.run() } }
  }

  /// The address as text, under the seed's name.
  public var dbname: String { address.text }
  /// The id of its document in the hub; the same each time this database is shared by this identity.
  public var id: String { address.share.text }

  /// Who uses the share now.
  public var remotes: [ConnectedRemote] {
    get async { await desk.remotes }
  }

  /// What happens from now on. A follower that does not keep up loses the oldest of 64 events that wait for it.
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
    guard await halt() else { return }
    peer.shares.remove(self)
    await desk.end()
  }

  /// Ends sharing for good: as ``stop()``, and no ticket is good any more when the database is shared again.
  public func end() async {
    await stop()
    await desk.discardLedger()
  }

  /// Ends the share's work and leaves what it wrote, as the death of the process does.
  /// - Returns: whether it was at work.
  @discardableResult
  func halt() async -> Bool {
    let task = task.withLock { task in
      defer { task = nil }
      return task
    }
    guard let task else { return false }
    task.cancel()
    await task.value
    return true
  }
}
