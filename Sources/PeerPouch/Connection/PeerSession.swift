import CouchAPI
import PeerTrust
import PeerTunnel
import PouchCore
import Synchronization

/// A connection between this peer and another one, over which either uses what the other shares.
final class PeerSession: Sendable {
  /// Whose identity is at the other end; verified by the signals, and by the hello over the connection.
  let remote: IdentityKey
  /// What the remote said of itself when it opened the connection.
  let info: JSON
  /// When the connection was made, in seconds since 1970 by the machine's clock.
  let since: Int
  let tunnel: TunnelSession
  /// What all requests of the remote share.
  let quota: PeerQuota
  private let link: any PeerLink
  /// For proofs of tickets over this connection only: candidates are sealed where it was made.
  private let trust: Session
  private let end = Latch<SessionEnd>()
  private let uses = Mutex(Uses())

  private struct Uses {
    /// How many databases of the remote are open over the connection.
    var own = 0
    /// The shares of this side that the remote uses.
    var served: Set<ShareID> = []

    var isIdle: Bool { own == 0 && served.isEmpty }
  }

  /// - Parameter serving: for the sharer, its handler of the remote's requests.
  init(
    _ channel: any MessageChannel, _ link: any PeerLink, _ trust: Session, serving: ShareHandler?, info: JSON = [:],
    quota: PeerQuota, _ options: PeerOptions,
    decide: @escaping @Sendable (ShareOpening, PeerSession) async -> ShareDecision
  ) {
    remote = trust.remote
    self.info = info
    since = options.time.date()
    self.link = link
    self.trust = trust
    self.quota = quota
    let side: TunnelSide = serving.map { .sharer(share: trust.share.text, $0) } ?? .opener
    let proof = HelloProof(own: trust.hello) { trust.isHello($0) }
    let holder = SessionHolder()
    tunnel = TunnelSession(channel, side, proof, limits: options.tunnel) { opening in
      guard let session = holder.session else { return .refused(OpeningRefusal.unknown) }
      return await decide(opening, session)
    }
    holder.session = self
    if serving != nil { serves(trust.share) }
  }

  /// Works until the connection ends.
  func run() async {
    let end = await tunnel.run()
    await link.close()
    self.end.open(end)
  }

  /// Suspends until the connection has ended.
  /// - Throws: `CancellationError`.
  func ended() async throws -> SessionEnd { try await end.wait() }

  var hasEnded: Bool { end.value != nil }

  func path() async -> PeerPath? { await link.path() }

  // MARK: Using the remote's shares

  /// A carrier to the share that the connection was made for.
  func useFirstShare() -> ShareCarrier {
    uses.withLock { $0.own += 1 }
    return tunnel.firstShare
  }

  /// Asks for another share of the remote.
  /// - Throws: what ``TunnelSession/open(_:)`` throws.
  func use(_ share: ShareID, _ ticket: Ticket?) async throws -> ShareCarrier {
    var opening = ShareOpening(share: share.text)
    if let ticket {
      let proof = trust.proof(of: ticket.keys, opening: share)
      opening.ticket = proof.id.bytes
      opening.proof = proof.code
    }
    let carrier = try await tunnel.open(opening)
    uses.withLock { $0.own += 1 }
    return carrier
  }

  /// Gives up a share of the remote; with the last use of either side the connection ends.
  func giveUp(_ carrier: ShareCarrier) async {
    await carrier.close()
    leaveIfIdle { $0.own -= 1 }
  }

  // MARK: Serving

  /// What the remote showed of a ticket for one more share.
  func proof(in opening: ShareOpening, of share: ShareID) -> TicketProof? {
    trust.proof(id: opening.ticket, code: opening.proof, opening: share)
  }

  func serves(_ share: ShareID) {
    uses.withLock { _ = $0.served.insert(share) }
  }

  func isServing(_ share: ShareID) -> Bool { uses.withLock { $0.served.contains(share) } }

  /// Ends the remote's use of a share; the connection too, if nothing else goes over it.
  func withdraw(_ share: ShareID) {
    tunnel.withdraw(share.text)
    leaveIfIdle(.notShared) { _ = $0.served.remove(share) }
  }

  func leave(_ reason: GoodbyeReason = .done) { tunnel.leave(reason) }

  private func leaveIfIdle(_ reason: GoodbyeReason = .done, _ change: (inout Uses) -> Void) {
    let isIdle = uses.withLock { uses in
      change(&uses)
      return uses.isIdle
    }
    if isIdle { tunnel.leave(reason) }
  }
}

/// Words by which a peer refuses one more share over a connection, beside those of ``Refusal``.
enum OpeningRefusal {
  /// It shares nothing of this id: perhaps another process of the same identity does.
  static let unknown = "unknown"
}

/// Leads from a tunnel back to its session, which holds it.
private final class SessionHolder: Sendable {
  private struct Reference { weak var session: PeerSession? }

  private let reference = Mutex(Reference())

  var session: PeerSession? {
    get { reference.withLock(\.session) }
    set { reference.withLock { $0.session = newValue } }
  }
}
