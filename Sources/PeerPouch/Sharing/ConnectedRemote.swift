public import PeerTrust
import PeerTunnel
public import PouchCore
import Synchronization

/// Somebody who wants in, as `onRemote` gets to see it, before there is a connection or anything of the database was
/// answered.
///
/// Whoever is not prevented is let in.
public final class RemoteRequest: Sendable {
  /// Who it is: verified.
  public let identity: Fingerprint
  /// What it says of itself. It never identifies.
  public let info: JSON
  /// What its ticket is worth, if it showed one that did not let it in.
  public let ticket: TicketBook.Verdict
  /// Whether this installation has dealt with it before.
  public let standing: KnownIdentities.Standing
  private let prevention = Mutex(false)
  private let memory = Mutex(false)

  init(_ identity: Fingerprint, info: JSON, ticket: TicketBook.Verdict, standing: KnownIdentities.Standing) {
    self.identity = identity
    self.info = info
    self.ticket = ticket
    self.standing = standing
  }

  /// Keeps it out: it is told that it is forbidden.
  public func preventDefault() { prevention.withLock { $0 = true } }

  /// Lets it in from now on without asking again, also after a restart, until it is forgotten; unless it is prevented.
  public func remember() { memory.withLock { $0 = true } }

  var isRemembered: Bool { memory.withLock(\.self) }
  var isPrevented: Bool { prevention.withLock(\.self) }
}

/// Decides about remotes; may take 60 s, after which they are refused.
public typealias RemoteHandler = @Sendable (RemoteRequest) async -> Void

/// Somebody who uses a share now.
public struct ConnectedRemote: Sendable, Hashable, Identifiable {
  /// Tells connections of one identity apart; within this process.
  public let id: ObjectIdentifier
  /// Who it is: verified.
  public let identity: Fingerprint
  /// What it says of itself. It never identifies.
  public let info: JSON
  /// Which way the bytes take; `nil` if it is not known.
  public let path: PeerPath?
  /// Bytes to and from the remote, over the connection as a whole.
  public let sent: Int64
  public let received: Int64
  /// The time to the remote and back; `nil` before it was measured.
  public let roundTrip: Duration?
  /// When the connection was made, in seconds since 1970 by the machine's clock.
  public let since: Int

  init(_ session: PeerSession) async {
    id = ObjectIdentifier(session)
    identity = session.remote.fingerprint
    info = session.info
    path = await session.path()
    let statistics = session.tunnel.statistics
    sent = statistics.sent
    received = statistics.received
    roundTrip = statistics.roundTrip
    since = session.since
  }
}

/// What happens at a share.
public enum ShareEvent: Sendable, Hashable {
  /// A remote was let in and is connected.
  case joined(ConnectedRemote)
  /// A remote is gone; its last state.
  case left(ConnectedRemote)
  /// A remote was told that it may not get in.
  case refused(Fingerprint, Refusal)
  /// A ticket that another identity has redeemed was shown: it was passed on, or stolen.
  case ticketReused(by: Fingerprint, claimedBy: Fingerprint)
  /// Another process shares the same database on the same hub with the same identity. Remotes find one of the two.
  case sharedElsewhere
  /// The hub cannot be reached; those who are connected stay so, and others wait.
  case hubLost(String)
  /// The hub is there again.
  case hubFound
}
