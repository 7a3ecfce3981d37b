#if WebRTC
  public import PeerTrust
  import PeerTunnel
  import PouchCore
  import Synchronization
  public import WebRTC

  /// Connections by this package's WebRTC.
  public struct WebRTCTransport: PeerTransport {
    /// STUN and TURN servers, addresses, ports and limits of the connections.
    public var configuration: PeerConnection.Configuration
    /// How long candidates are gathered before the first description goes out. Those of the machine's own addresses come
    /// at once; those of a STUN or TURN server that take longer follow in a signal of their own.
    public var gathering: Duration
    /// How long further candidates are collected before they are sent together, since each signal costs the hub a write.
    public var coalescing: Duration

    public init(
      _ configuration: PeerConnection.Configuration = PeerConnection.Configuration(),
      gathering: Duration = .milliseconds(200), coalescing: Duration = .milliseconds(300)
    ) {
      self.configuration = configuration
      self.gathering = gathering
      self.coalescing = coalescing
    }

    public func link(as role: Role, to remote: PeerTrust.IceDescription?) async throws -> any PeerLink {
      // Certificates are fresh for each opening.
      var configuration = configuration
      configuration.certificate = nil
      let connection = try await PeerConnection(configuration)
      var options = DataChannel.Options()
      options.negotiatedID = 0
      options.highMark = ChannelTuning.unsent
      let channel = try await connection.createDataChannel("peerpouch", options)
      return WebRTCLink(connection, channel, self, remote)
    }
  }

  /// One side of a WebRTC connection.
  ///
  /// The session descriptions are built here, on both sides, from fields that were validated: no SDP of a peer is read.
  private final class WebRTCLink: PeerLink {
    private let connection: PeerConnection
    private let dataChannel: DataChannel
    private let transport: WebRTCTransport
    private let remote: IceDescription?
    /// The texts of candidates that the other side was told.
    private let told = Mutex<Set<String>>([])

    init(
      _ connection: PeerConnection, _ channel: DataChannel, _ transport: WebRTCTransport, _ remote: IceDescription?
    ) {
      self.connection = connection
      dataChannel = channel
      self.transport = transport
      self.remote = remote
    }

    // MARK: Signalling

    func description() async throws -> IceDescription {
      let own: SessionDescription
      if let remote {
        try await connection.setRemoteDescription(Self.description(.offer, of: remote, setup: .actpass))
        own = try await connection.createAnswer()
      } else {
        own = try await connection.createOffer()
      }
      try await connection.setLocalDescription(own)
      let connection = connection
      _ = try await PeerTime.system.limit(transport.gathering) {
        for await state in connection.gatheringStates where state == .complete { break }
      }
      guard let section = await connection.localDescription?.dataSection,
        let fingerprint = section.fingerprints.first(where: { $0.algorithm == .sha256 }),
        let description = IceDescription(
          usernameFragment: section.iceUfrag, password: section.icePwd, fingerprint: fingerprint.bytes,
          candidates: untold(section.candidates))
      else { throw PouchError(.internalError, "The connection cannot be described.") }
      return description
    }

    func furtherCandidates() async -> [PeerTrust.IceCandidate]? {
      for await event in connection.localCandidates {
        if case .candidate(let candidate) = event, told.withLock({ $0.contains(candidate.candidate) }) { continue }
        if case .candidate = event {
          guard (try? await Task.sleep(for: transport.coalescing)) != nil else { return nil }
        }
        let found = untold(await connection.localDescription?.dataSection?.candidates ?? [])
        if !found.isEmpty { return found }
        if case .end = event { return nil }
      }
      return nil
    }

    /// Those candidates that the other side was not told yet, within the bound of an opening.
    private func untold(_ candidates: [WebRTC.IceCandidate]) -> [PeerTrust.IceCandidate] {
      told.withLock { told in
        candidates.compactMap { candidate in
          guard told.count < TrustLimits.candidates, told.insert(candidate.candidate).inserted else { return nil }
          return PeerTrust.IceCandidate(candidate.candidate)
        }
      }
    }

    func connect(to remote: IceDescription) async throws {
      try await connection.setRemoteDescription(Self.description(.answer, of: remote, setup: .active))
    }

    func add(_ candidates: [PeerTrust.IceCandidate]) async {
      for candidate in candidates.compactMap({ try? WebRTC.IceCandidate($0.text) }) {
        // A connection that has ended needs no more.
        try? await connection.addIceCandidate(.candidate(candidate))
      }
    }

    /// The session description that the other side would have sent.
    private static func description(
      _ type: SDPType, of remote: IceDescription, setup: SetupRole
    ) throws -> SessionDescription {
      guard let fingerprint = WebRTC.Fingerprint(algorithm: .sha256, bytes: remote.fingerprint) else {
        throw PouchError(.badResponse, "The peer's certificate has no fingerprint.")
      }
      let section = DataSection(
        mid: "0", iceUfrag: remote.usernameFragment, icePwd: remote.password, fingerprints: [fingerprint],
        setup: setup, candidates: remote.candidates.compactMap { try? WebRTC.IceCandidate($0.text) })
      return SessionDescription(type: type, sessionID: 1, sessionVersion: 1, sections: [.data(section)])
    }

    // MARK: The connection

    func channel() async throws -> any MessageChannel {
      try await dataChannel.opened()
      return DataChannelMessages(dataChannel)
    }

    func path() async -> PeerPath? {
      guard let pair = await connection.selectedCandidatePair else { return nil }
      return PeerPath(
        pair.isRelayed ? .relayed : .direct, local: Self.text(pair.local), remote: Self.text(pair.remote))
    }

    private static func text(_ candidate: WebRTC.IceCandidate) -> String {
      candidate.addressForm == .ipv6
        ? "[\(candidate.address)]:\(candidate.port)" : "\(candidate.address):\(candidate.port)"
    }

    func close() async { await connection.close() }
  }

  /// A data channel as the tunnel wants it.
  private struct DataChannelMessages: MessageChannel {
    private let channel: DataChannel
    private let messages: DataChannel.Messages

    init(_ channel: DataChannel) {
      self.channel = channel
      messages = channel.messages
    }

    func send(_ message: [UInt8]) async throws { try await channel.send(message) }

    func offer(_ message: [UInt8]) -> Bool { channel.offer(message) }

    func receive() async throws -> [UInt8]? {
      var iterator = messages.makeAsyncIterator()
      switch try await iterator.next() {
      case .binary(let bytes)?: return bytes
      case .text?: throw PouchError(.badResponse, "The peer sends text where the tunnel has bytes.")
      case nil: return nil
      }
    }

    var bufferedAmount: Int { channel.bufferedAmount }

    func close() async { await channel.close() }
  }
#endif
