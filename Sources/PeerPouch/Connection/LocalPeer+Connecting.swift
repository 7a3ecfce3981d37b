import PeerTrust
import PeerTunnel
import PouchCore

extension LocalPeer {
  /// Makes a session of a channel, and waits until the other side has proved who it is.
  /// - Parameter serving: for the sharer, makes the handler of the remote's requests.
  /// - Throws: ``PouchError/Code/unreachable`` if the session ends first, ``PouchError/Code/cancelled``.
  func connect(
    _ channel: any MessageChannel, _ link: any PeerLink, _ trust: Session, info: JSON,
    serving: (PeerQuota) -> ShareHandler?
  ) async throws -> PeerSession {
    let quota = PeerQuota(options.access)
    let session = PeerSession(channel, link, trust, serving: serving(quota), info: info, quota: quota, options) {
      [weak self] opening, session in
      await self?.decide(opening, session) ?? .refused(OpeningRefusal.unknown)
    }
    guard switchboard.run(session) else { throw PouchError(.cancelled) }
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
    guard let id = ShareID(opening.share), let share = shares.share(id) else {
      return .refused(OpeningRefusal.unknown)
    }
    return await share.desk.decide(opening, session)
  }
}
