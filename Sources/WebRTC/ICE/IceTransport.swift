import CNice

/// The path to the peer: libnice finds it, and datagrams go over it.
///
/// Packets are sent in batches to the selected pair's socket, which libnice lends; relayed ones go through libnice.
@RTCEngine
final class IceTransport {
  /// What a transport tells its connection.
  enum Event {
    case candidate(IceCandidate)
    case gatheringDone
    /// A path was found: packets can be sent.
    case connected
    case failed
    case pair(CandidatePair)
  }

  /// The only component: RTCP does not exist here.
  private static let component: guint = 1

  private var agent: OpaquePointer?
  private let stream: guint
  private let configuration: PeerConnection.Configuration
  private var isGathering = false
  /// How many datagrams came in since the thread last looked after its other work.
  private var packetsInTurn = 0

  /// Hears events. Those that libnice has while it is called come later, never within the call.
  var onEvent: @RTCEngine (Event) -> Void = { _ in }
  /// Takes each datagram that is not STUN, which is valid during the call only.
  var onDatagram: @RTCEngine (UnsafeRawBufferPointer) -> Void = { _ in }

  /// Where batches are sent directly, if the selected pair allows it.
  private var direct: (socket: UnsafeMutablePointer<GSocket>, address: NiceAddress)?
  private var batch: DatagramBatch
  /// Whether the kernel cuts a large buffer into datagrams; until it says that it cannot.
  private var canSegment: UInt8 = 1

  init(_ configuration: PeerConnection.Configuration) throws(RTCError) {
    self.configuration = configuration
    batch = DatagramBatch(largest: configuration.packetSize + 64)
    let context = RTCEngine.shared.loop.context
    guard
      let agent = nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_ICE_TRICKLE)
    else { throw .exhausted("libnice could not make an agent.") }
    self.agent = agent
    cnice_set_flag(agent, "upnp", 0)
    cnice_set_flag(agent, "ice-tcp", 0)
    cnice_set_number(agent, "stun-pacing-timer", IceTuning.pacing)
    stream = nice_agent_add_stream(agent, 1)
    if stream == 0 { throw .exhausted("libnice could not make a stream.") }
    setUp(agent)
  }

  isolated deinit {
    precondition(agent == nil, "An ICE transport must be closed before it is let go of.")
  }

  private func setUp(_ agent: OpaquePointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    cnice_on_candidate(
      agent,
      { agent, candidate, context in
        IceTransport.inCallback(context) { $0.found(candidate) }
      }, context)
    cnice_on_gathering_done(
      agent, { _, _, context in IceTransport.inCallback(context) { $0.tell(.gatheringDone) } }, context)
    cnice_on_state(
      agent,
      { _, _, _, state, context in IceTransport.inCallback(context) { $0.stateChanged(to: state) } }, context)
    cnice_on_selected_pair(
      agent,
      { _, _, _, local, remote, context in
        IceTransport.inCallback(context) { $0.selected(local, remote) }
      }, context)
    attach(agent)
  }

  private func attach(_ agent: OpaquePointer) {
    nice_agent_attach_recv(
      agent, stream, Self.component, RTCEngine.shared.loop.context,
      { _, _, _, count, bytes, context in
        IceTransport.inCallback(context) {
          $0.received(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
        }
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private nonisolated static func inCallback(
    _ context: UnsafeMutableRawPointer?, _ body: @RTCEngine (IceTransport) -> Void
  ) {
    guard let context else { return }
    // SAFETY: libnice calls on the engine's thread, where this is used at once.
    nonisolated(unsafe) let pointer = context
    RTCEngine.assumeIsolated { body(Unmanaged<IceTransport>.fromOpaque(pointer).takeUnretainedValue()) }
  }

  private func tell(_ event: Event) {
    RTCEngine.afterThis { self.onEvent(event) }
  }

  // MARK: - Gathering

  /// The user fragment and the password that the peer's checks must use.
  func localCredentials() throws(RTCError) -> (ufrag: String, password: String) {
    var (ufrag, password): (UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?)
    guard nice_agent_get_local_credentials(agent, stream, &ufrag, &password) != 0, let ufrag, let password else {
      throw .exhausted("libnice has no credentials.")
    }
    defer {
      g_free(ufrag)
      g_free(password)
    }
    return (String(cString: ufrag), String(cString: password))
  }

  /// Looks for candidates, once.
  /// - Throws: ``RTCError/exhausted(_:)`` if no socket can be made.
  func gather() throws(RTCError) {
    guard let agent, !isGathering else { return }
    isGathering = true
    for text in configuration.addresses.current.prefix(Int(NICE_CANDIDATE_MAX_LOCAL_ADDRESSES)) {
      var address = NiceAddress()
      nice_address_init(&address)
      guard nice_address_set_from_string(&address, text) != 0 else {
        throw .invalid("This is not an address: \(text)")
      }
      nice_agent_add_local_address(agent, &address)
    }
    if let ports = configuration.portRange {
      nice_agent_set_port_range(agent, stream, Self.component, guint(ports.lowerBound), guint(ports.upperBound))
    }
    setServers(agent)
    guard nice_agent_gather_candidates(agent, stream) != 0 else {
      throw .exhausted("No socket could be bound to any of the machine's addresses.")
    }
    enlargeBuffers(agent)
  }

  private func setServers(_ agent: OpaquePointer) {
    var (stunServers, relays) = (0, 0)
    for server in configuration.iceServers {
      switch server.kind {
      case .stun where stunServers == 0:
        cnice_set_text(agent, "stun-server", server.host)
        cnice_set_number(agent, "stun-server-port", guint(server.port))
        stunServers += 1
      case .stun: break
      case .turn(let transport, let username, let credential) where relays < NICE_CANDIDATE_MAX_TURN_SERVERS:
        let kind =
          switch transport {
          case .udp: NICE_RELAY_TYPE_TURN_UDP
          case .tcp: NICE_RELAY_TYPE_TURN_TCP
          case .tls: NICE_RELAY_TYPE_TURN_TLS
          }
        nice_agent_set_relay_info(
          agent, stream, Self.component, server.host, guint(server.port), username, credential, kind)
        relays += 1
      case .turn: break
      }
    }
    if configuration.isRelayOnly { cnice_set_flag(agent, "force-relay", 1) }
  }

  private func enlargeBuffers(_ agent: OpaquePointer) {
    guard let sockets = nice_agent_get_sockets(agent, stream, Self.component) else { return }
    for index in 0..<sockets.pointee.len {
      cnice_set_buffers(cnice_socket_at(sockets, index), Int32(IceTuning.socketBuffer))
    }
    g_ptr_array_unref(sockets)
  }

  private func found(_ candidate: UnsafeMutablePointer<NiceCandidate>?) {
    guard let text = nice_agent_generate_local_candidate_sdp(agent, candidate) else { return }
    defer { g_free(text) }
    guard let candidate = try? IceCandidate(String(cString: text)), candidate.transport == .udp else { return }
    tell(.candidate(candidate))
  }

  // MARK: - Checking

  /// Whether this side decides which pair is used: the one that made the offer.
  func setControlling(_ isControlling: Bool) {
    guard let agent else { return }
    cnice_set_flag(agent, "controlling-mode", isControlling ? 1 : 0)
  }

  /// Takes what the peer's description says, from when on pairs are checked.
  func setRemote(ufrag: String, password: String) throws(RTCError) {
    guard nice_agent_set_remote_credentials(agent, stream, ufrag, password) != 0 else {
      throw .invalid("libnice does not take the peer's credentials.")
    }
  }

  /// Adds a candidate of the peer. Names, which browsers have in place of addresses, and TCP are passed over: the peer's
  /// own checks show where it is.
  func addRemote(_ candidate: IceCandidate) {
    guard candidate.transport == .udp, candidate.component == 1, candidate.addressForm != .name,
      let parsed = nice_agent_parse_remote_candidate_sdp(agent, stream, "a=" + candidate.candidate)
    else { return }
    var list = GSList(data: parsed, next: nil)
    nice_agent_set_remote_candidates(agent, stream, Self.component, &list)
    nice_candidate_free(parsed)
  }

  /// Says that no more candidates of the peer will come: if none works, the connection fails.
  func endRemoteCandidates() {
    nice_agent_peer_candidate_gathering_done(agent, stream)
  }

  /// Makes new credentials, with which a new exchange of descriptions finds a new path (RFC 8445, section 9).
  func restart() {
    nice_agent_restart_stream(agent, stream)
  }

  private func stateChanged(to state: guint) {
    switch NiceComponentState(state) {
    case NICE_COMPONENT_STATE_CONNECTED, NICE_COMPONENT_STATE_READY: tell(.connected)
    case NICE_COMPONENT_STATE_FAILED: tell(.failed)
    default: break
    }
  }

  private func selected(_ local: UnsafeMutablePointer<NiceCandidate>?, _ remote: UnsafeMutablePointer<NiceCandidate>?) {
    guard let agent, let local, let remote else { return }
    forgetDirectPath()
    if let socket = nice_agent_get_selected_socket(agent, stream, Self.component) {
      direct = (socket, remote.pointee.addr)
    }
    guard let pair = CandidatePair(local: read(local), remote: read(remote)) else { return }
    tell(.pair(pair))
  }

  private func read(_ candidate: UnsafeMutablePointer<NiceCandidate>) -> IceCandidate? {
    guard let text = nice_agent_generate_local_candidate_sdp(agent, candidate) else { return nil }
    defer { g_free(text) }
    return try? IceCandidate(String(cString: text))
  }

  private func forgetDirectPath() {
    if let direct { g_object_unref(direct.socket) }
    direct = nil
  }

  // MARK: - Packets

  /// libnice calls this again and again while datagrams keep coming. So that a flood of them does not keep the thread from
  /// its timers and jobs, libnice is left without a callback for a moment, which makes it return.
  private func received(_ datagram: UnsafeRawBufferPointer) {
    onDatagram(datagram)
    packetsInTurn += 1
    if packetsInTurn == 1 {
      cnice_keep_polled()
      RTCEngine.afterThis { self.beginTurn() }
    } else if packetsInTurn == IceTuning.packetsPerTurn, let agent {
      nice_agent_attach_recv(agent, stream, Self.component, RTCEngine.shared.loop.context, nil, nil)
    }
  }

  private func beginTurn() {
    if packetsInTurn >= IceTuning.packetsPerTurn, let agent { attach(agent) }
    packetsInTurn = 0
  }

  /// Sends a datagram, with others that come before the running callback or job ends.
  func send(_ datagram: UnsafeRawBufferPointer) {
    if batch.isEmpty { RTCEngine.afterThis { self.flush() } }
    batch.append(datagram)
    if batch.isFull { flush() }
  }

  /// Sends what waits. What the socket does not take is lost; SCTP and DTLS send again.
  func flush() {
    guard !batch.isEmpty else { return }
    defer { batch.removeAll() }
    guard let agent else { return }
    if let direct {
      var address = direct.address
      batch.withDatagrams { bytes, lengths in
        cnice_send_batch(
          g_socket_get_fd(direct.socket), &address, bytes, lengths.baseAddress, UInt32(lengths.count), &canSegment)
      }
    } else {
      batch.withDatagrams { bytes, lengths in
        var start = bytes
        for length in lengths {
          nice_agent_send(agent, stream, Self.component, length, start)
          start += Int(length)
        }
      }
    }
  }

  // MARK: - End

  /// Closes the sockets. TURN servers are told, which takes a moment: the agent lives on until then.
  func close() {
    guard let agent else { return }
    flush()
    self.agent = nil
    forgetDirectPath()
    onEvent = { _ in }
    onDatagram = { _ in }
    cnice_disconnect(agent, Unmanaged.passUnretained(self).toOpaque())
    nice_agent_attach_recv(agent, stream, Self.component, RTCEngine.shared.loop.context, nil, nil)
    nice_agent_remove_stream(agent, stream)
    nice_agent_close_async(agent, { source, _, _ in g_object_unref(source) }, nil)
  }
}
