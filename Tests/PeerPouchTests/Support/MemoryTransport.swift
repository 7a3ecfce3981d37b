import PeerTrust
import PeerTunnel
import PouchCore
import Synchronization

@testable import PeerPouch

/// Connects peers within the process, by what their descriptions say: a description that was tampered with leads
/// nowhere, as with WebRTC.
final class MemoryTransport: PeerTransport {
  private struct State {
    var links: [String: MemoryPeerLink] = [:]
    var channels: [MemoryChannel] = []
    var made: [Role: Int] = [:]
    var generator = SystemRandomNumberGenerator()
  }

  private let state = Mutex(State())

  /// How many links of a role were begun.
  func linkCount(_ role: Role) -> Int { state.withLock { $0.made[role] ?? 0 } }

  func link(as role: Role, to remote: IceDescription?) async throws -> any PeerLink {
    state.withLock { state in
      state.made[role, default: 0] += 1
      let link = MemoryPeerLink(self, "link\(UInt64.random(in: .min ... .max, using: &state.generator))", remote)
      state.links[link.name] = link
      return link
    }
  }

  /// The opener was told the sharer's name, and the sharer the opener's.
  fileprivate func join(_ opener: MemoryPeerLink, _ sharerName: String) {
    let (left, right) = MemoryChannel.pair()
    let sharer = state.withLock { state -> MemoryPeerLink? in
      guard let sharer = state.links[sharerName], sharer.remote?.usernameFragment == opener.name else { return nil }
      state.channels.append(left)
      return sharer
    }
    guard let sharer else { return }
    opener.joined.open(left)
    sharer.joined.open(right)
  }

  /// Loses all connections.
  func cutAll() {
    let channels = state.withLock { state in
      defer { state.channels = [] }
      return state.channels
    }
    for channel in channels { channel.cut() }
  }
}

private final class MemoryPeerLink: PeerLink {
  let name: String
  let remote: IceDescription?
  let joined = Arrival<MemoryChannel>()
  private let transport: MemoryTransport

  init(_ transport: MemoryTransport, _ name: String, _ remote: IceDescription?) {
    self.transport = transport
    self.name = name
    self.remote = remote
  }

  func description() async throws -> IceDescription {
    let description = IceDescription(
      usernameFragment: name, password: "password0123456789password", fingerprint: Array(repeating: 7, count: 32),
      candidates: [])
    guard let description else { throw PouchError(.internalError) }
    return description
  }

  func furtherCandidates() async -> [IceCandidate]? { nil }
  func connect(to remote: IceDescription) async throws { transport.join(self, remote.usernameFragment) }
  func add(_ candidates: [IceCandidate]) async {}
  func channel() async throws -> any MessageChannel { try await joined.wait() }
  func path() async -> PeerPath? { PeerPath(.memory) }
  func close() async { await joined.value?.close() }
}
