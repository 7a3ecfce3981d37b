import PeerTrust
import PeerTunnel
import PouchCore

extension LocalPeer {
  /// Makes a session of a channel, and waits until the other side has proved who it is.
  /// - Parameters:
  ///   - place: for the sharer, what was kept for the connection.
  ///   - serving: for the sharer, makes the handler of the remote's requests.
  /// - Throws: ``PouchError/Code/unreachable`` if the session ends first, ``PouchError/Code/cancelled``.
  func connect(
    _ channel: any MessageChannel, _ link: any PeerLink, _ trust: Session, info: JSON,
    in place: Switchboard.Place? = nil, serving: (PeerQuota) -> ShareHandler?
  ) async throws -> PeerSession {
    let quota = PeerQuota(options.access)
    let session = PeerSession(channel, link, trust, serving: serving(quota), info: info, quota: quota, options) {
      [weak self] opening, session in
      await self?.decide(opening, session) ?? .refused(OpeningRefusal.unknown)
    }
    guard switchboard.run(session, in: place) else { throw PouchError(.cancelled) }
    do {
      try await session.tunnel.ready()
    } catch {
      session.leave()
      throw error
    }
    return session
  }

  /// What a remote is told that wants to use another share of this peer over a connection that is there.
  private func decide(_ opening: ShareOpening, _ session: PeerSession) async -> ShareDecision {
    guard let id = ShareID(opening.share) else { return .refused(OpeningRefusal.unknown) }
    // A database may be shared by way of several hubs, with gates of their own: one that lets in is enough.
    var decision = ShareDecision.refused(OpeningRefusal.unknown)
    for share in shares.shares(id) {
      decision = await share.desk.decide(opening, session)
      if case .accepted = decision { break }
    }
    return decision
  }
}
