import PeerTrust
import PeerTunnel
import PouchCore

@testable import PeerPouch

/// A transport whose connections come about only when they are let go.
struct HeldTransport: PeerTransport {
  let base: any PeerTransport
  let release = Latch<Void>()
  /// Opened when the first link waits for its channel.
  let isWaiting = Latch<Void>()
  /// Opened when the first link was closed.
  let isClosed = Latch<Void>()

  func link(as role: Role, to remote: IceDescription?) async throws -> any PeerLink {
    HeldLink(base: try await base.link(as: role, to: remote), transport: self)
  }
}

private struct HeldLink: PeerLink {
  let base: any PeerLink
  let transport: HeldTransport

  func description() async throws -> IceDescription { try await base.description() }
  func furtherCandidates() async -> [IceCandidate]? { await base.furtherCandidates() }
  func connect(to remote: IceDescription) async throws { try await base.connect(to: remote) }
  func add(_ candidates: [IceCandidate]) async { await base.add(candidates) }

  func channel() async throws -> any MessageChannel {
    let channel = try await base.channel()
    transport.isWaiting.open(())
    try await transport.release.wait()
    return channel
  }

  func path() async -> PeerPath? { await base.path() }

  func close() async {
    await base.close()
    transport.isClosed.open(())
  }
}
