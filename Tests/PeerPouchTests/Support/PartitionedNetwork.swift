import PeerTrust
import PeerTunnel
import PouchCore
import Synchronization

@testable import PeerPouch

/// Connects numbered peers within the process, unless they are apart.
final class PartitionedNetwork: Sendable {
  private struct Connection {
    let one: Int
    let other: Int
    let channel: MemoryChannel
  }

  private struct State {
    /// Peers in different groups do not reach each other.
    var groups: [Int: Int] = [:]
    /// Which peer a link is of, by the name in its description.
    var owners: [String: Int] = [:]
    var connections: [Connection] = []

    func areApart(_ one: Int, _ other: Int) -> Bool { groups[one] != groups[other] }
  }

  private let base = MemoryTransport()
  private let state = Mutex(State())

  /// Loses the connections between peers of different groups, and lets none be made. Peers that are in no group are
  /// together.
  func divide(_ groups: [Int: Int]) {
    let lost = state.withLock { state in
      state.groups = groups
      let connections = state.connections
      state.connections = connections.filter { groups[$0.one] == groups[$0.other] }
      return connections.filter { groups[$0.one] != groups[$0.other] }
    }
    for connection in lost { connection.channel.cut() }
  }

  /// How a peer connects.
  func transport(of number: Int) -> any PeerTransport { Transport(network: self, number: number) }

  private func note(_ name: String, of number: Int) { state.withLock { $0.owners[name] = number } }

  private func areApart(_ number: Int, _ name: String) -> Bool {
    state.withLock { state in state.owners[name].map { state.areApart(number, $0) } ?? true }
  }

  private func add(_ channel: MemoryChannel, _ number: Int, _ name: String) {
    let isLost = state.withLock { state in
      guard let other = state.owners[name], !state.areApart(number, other) else { return true }
      state.connections.append(Connection(one: number, other: other, channel: channel))
      return false
    }
    if isLost { channel.cut() }
  }

  private struct Transport: PeerTransport {
    let network: PartitionedNetwork
    let number: Int

    func link(as role: Role, to remote: IceDescription?) async throws -> any PeerLink {
      Link(base: try await network.base.link(as: role, to: remote), network: network, number: number)
    }
  }

  private final class Link: PeerLink {
    private let base: any PeerLink
    private let network: PartitionedNetwork
    private let number: Int
    /// For the opener, what the sharer's link is called.
    private let other = Mutex<String?>(nil)

    init(base: any PeerLink, network: PartitionedNetwork, number: Int) {
      self.base = base
      self.network = network
      self.number = number
    }

    func description() async throws -> IceDescription {
      let description = try await base.description()
      network.note(description.usernameFragment, of: number)
      return description
    }

    func furtherCandidates() async -> [IceCandidate]? { await base.furtherCandidates() }
    func add(_ candidates: [IceCandidate]) async { await base.add(candidates) }

    func connect(to remote: IceDescription) async throws {
      guard !network.areApart(number, remote.usernameFragment) else {
        throw PouchError(.unreachable, "The network is divided.")
      }
      other.withLock { $0 = remote.usernameFragment }
      try await base.connect(to: remote)
    }

    func channel() async throws -> any MessageChannel {
      let channel = try await base.channel()
      if let name = other.withLock(\.self), let channel = channel as? MemoryChannel {
        network.add(channel, number, name)
      }
      return channel
    }

    func path() async -> PeerPath? { await base.path() }
    func close() async { await base.close() }
  }
}
