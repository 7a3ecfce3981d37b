import PeerPouch

/// Connections whose packets pass the UDP relay of the tests: either side is told the relay's addresses as the other's.
struct RelayedTransport: PeerTransport {
  private let transport: any PeerTransport
  private let (forOpener, forSharer): (RelayProcess.Address, RelayProcess.Address)

  init(_ transport: any PeerTransport, _ relay: RelayProcess) {
    self.transport = transport
    (forOpener, forSharer) = (relay.forOfferer, relay.forAnswerer)
  }

  func link(as role: Role, to remote: IceDescription?) async throws -> any PeerLink {
    guard role == .opener else { throw BareError(message: "Only openers go through a relay.") }
    return Link(
      link: try await transport.link(as: role, to: remote), forOpener: forOpener, forSharer: forSharer)
  }

  private struct Link: PeerLink {
    let link: any PeerLink
    let forOpener: RelayProcess.Address
    let forSharer: RelayProcess.Address

    func description() async throws -> IceDescription {
      try Link.description(of: try await link.description(), at: forSharer)
    }

    func connect(to remote: IceDescription) async throws {
      try await link.connect(to: Link.description(of: remote, at: forOpener))
    }

    private static func description(
      of peer: IceDescription, at address: RelayProcess.Address
    ) throws -> IceDescription {
      guard let candidate = IceCandidate(address.candidate),
        let description = IceDescription(
          usernameFragment: peer.usernameFragment, password: peer.password, fingerprint: peer.fingerprint,
          candidates: [candidate])
      else { throw BareError(message: "The relay cannot stand for a peer.") }
      return description
    }

    func furtherCandidates() async -> [IceCandidate]? { nil }
    func add(_ candidates: [IceCandidate]) async {}
    func channel() async throws -> any MessageChannel { try await link.channel() }
    func path() async -> PeerPath? { await link.path() }
    func close() async { await link.close() }
  }
}
