/// A connection to a peer, over which data channels go: what `RTCPeerConnection` is in browsers, without media.
///
/// ```swift
/// let connection = try await PeerConnection()
/// let channel = try await connection.createDataChannel("chat")
/// let offer = try await connection.createOffer()
/// try await connection.setLocalDescription(offer)
/// // … the offer and the candidates go to the peer, its answer and candidates come back …
/// try await connection.setRemoteDescription(answer)
/// try await channel.opened()
/// ```
///
/// All connections live on ``RTCEngine``, one thread. A connection lasts until ``close()`` is called, it fails, or nobody
/// holds it any more.
@RTCEngine
public final class PeerConnection {
  public nonisolated let configuration: Configuration
  /// This side's certificate, whose fingerprint the peer is told in the description.
  public nonisolated let certificate: Certificate
  /// The channels that the peer makes, each once, whoever iterates. Ends with the connection.
  ///
  /// Those that nobody takes wait, 128 at most; further ones are closed.
  public nonisolated var incomingDataChannels: AsyncStream<DataChannel> { channels.incoming }

  let ice: IceTransport
  nonisolated let channels = ChannelTable()
  var transport = Transport.none
  var negotiation = Negotiation()

  nonisolated let connectionBroadcast = Broadcast(ConnectionState.new, bound: 16)
  nonisolated let gatheringBroadcast = Broadcast(GatheringState.new, bound: 4)
  nonisolated let candidates = CandidateLog()
  /// The path that is used; `nil` before one was found. Later ones may be better.
  public internal(set) var selectedCandidatePair: CandidatePair?

  private var deadline: EngineTimer?
  private var watch: EngineTimer?
  private var silence = PeerSilence()

  /// Makes a connection that does nothing yet.
  /// - Throws: ``RTCError/invalid(_:)`` if the configuration is not valid, ``RTCError/exhausted(_:)``.
  public init(_ configuration: Configuration = Configuration()) throws(RTCError) {
    try configuration.validate()
    self.configuration = configuration
    if let certificate = configuration.certificate {
      self.certificate = certificate
    } else {
      certificate = try Certificate()
    }
    ice = try IceTransport(configuration)
    ice.onEvent = { [weak self] event in self?.handle(event) }
    ice.onDatagram = { [weak self] datagram in self?.receive(datagram) }
  }

  isolated deinit {
    // The last reference may be let go of in the middle of a callback: C code must not lose what it works with.
    var parts = parts
    RTCEngine.afterThis { parts.end(.closed) }
  }

  // MARK: - State

  /// How far the connection is.
  public var connectionState: ConnectionState { connectionBroadcast.value }
  /// The present state, and each that follows; 16 wait for a follower at most, then the oldest are lost. Ends after
  /// `failed` or `closed`.
  public nonisolated var connectionStates: AsyncStream<ConnectionState> { connectionBroadcast.values }

  /// How far the search for this side's candidates is.
  public var gatheringState: GatheringState { gatheringBroadcast.value }
  /// The present state, and each that follows.
  public nonisolated var gatheringStates: AsyncStream<GatheringState> { gatheringBroadcast.values }

  /// This side's candidates: those that were found, then each that is, and at last ``TrickledCandidate/end(sdpMid:sdpMLineIndex:)``.
  public nonisolated var localCandidates: AsyncStream<TrickledCandidate> { candidates.values }

  /// The SHA-256 of the peer's certificate, once the peer has proven it to be the one of its description.
  public var remoteFingerprint: Fingerprint? { transport.dtls?.peerFingerprint }

  /// What was carried so far.
  public var statistics: ConnectionStatistics {
    guard let association = transport.association else { return ConnectionStatistics() }
    let packets = association.packets
    let path = association.path
    return ConnectionStatistics(
      packetsSent: packets.packetsSent, packetsReceived: packets.packetsReceived, bytesSent: packets.bytesSent,
      bytesReceived: packets.bytesReceived, retransmissions: packets.chunksRetransmitted,
      roundTripTime: path.map { .milliseconds($0.roundTripTime) }, congestionWindow: path?.congestionWindow)
  }

  /// Suspends until channels can be used.
  /// - Throws: what the connection failed with; ``RTCError/closed``; ``RTCError/cancelled``.
  public func connected() async throws(RTCError) {
    for await state in connectionStates {
      switch state {
      case .connected: return
      case .failed(let error): throw error
      case .closed: throw .closed
      case .new, .connecting, .disconnected: continue
      }
    }
    throw .cancelled
  }

  // MARK: - Channels

  /// Makes a channel, which opens when the connection is made.
  /// - Throws: ``RTCError/invalid(_:)``, ``RTCError/exhausted(_:)``, or what the connection ended with.
  public func createDataChannel(
    _ label: String, _ options: DataChannel.Options = DataChannel.Options()
  ) throws(RTCError) -> DataChannel {
    try channels.make(label, options)
  }

  // MARK: - End

  /// Ends the connection and its channels, and tells the peer. What channels have not sent yet is lost: close them first.
  public func close() {
    connectionBroadcast.end(.closed)
    tearDown(.closed)
  }

  /// Ends the connection with an error, after the callback or job that runs now.
  func fail(_ error: RTCError) {
    switch connectionState {
    case .failed, .closed: return
    case .new, .connecting, .connected, .disconnected: break
    }
    connectionBroadcast.end(.failed(error))
    RTCEngine.afterThis { self.tearDown(error) }
  }

  private func tearDown(_ error: RTCError) {
    (deadline, watch) = (nil, nil)
    negotiation.signalingState = .closed
    var parts = parts
    parts.end(error)
    transport = .closed
  }

  private var parts: Parts {
    Parts(
      channels: channels, transport: transport, ice: ice, candidates: candidates, gathering: gatheringBroadcast,
      connection: connectionBroadcast)
  }

  /// What has to be ended, which outlives the connection by a moment if nobody holds it any more.
  @RTCEngine
  private struct Parts {
    let channels: ChannelTable
    var transport: Transport
    let ice: IceTransport
    let candidates: CandidateLog
    let gathering: Broadcast<GatheringState>
    let connection: Broadcast<ConnectionState>

    mutating func end(_ error: RTCError) {
      channels.ended(error)
      transport.close()
      ice.close()
      candidates.end()
      gathering.end(gathering.value)
      connection.end(.closed)
    }
  }

  // MARK: - Time

  /// Both descriptions are known: the connection has to be made in time.
  func beginConnecting() {
    guard connectionState == .new else { return }
    connectionBroadcast.set(.connecting)
    deadline = EngineTimer(after: configuration.connectTimeout) { [weak self] in
      guard let self else { return }
      self.fail(self.selectedCandidatePair == nil ? .noPath : .timedOut)
    }
  }

  /// Messages can be sent: from now on the peer has to be heard of.
  func beginWatching() {
    deadline = nil
    connectionBroadcast.set(.connected)
    let interval = configuration.peerTimeout / PeerSilence.looks
    watch = EngineTimer(after: interval, isRepeating: true) { [weak self] in self?.listen() }
  }

  private func listen() {
    guard let association = transport.association else { return }
    channels.giveUpClosing(afterLooks: PeerSilence.looks)
    let verdict = silence.look(packetsReceived: association.packets.packetsReceived)
    switch verdict {
    case .heard: connectionBroadcast.set(.connected)
    case .quiet, .missed:
      association.probe()
      connectionBroadcast.set(verdict == .missed ? .disconnected : .connected)
    case .lost: fail(.peerVanished)
    }
  }
}
