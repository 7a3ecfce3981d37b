import CUSRSCTP

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Messages over streams, in order and again until they arrive: one SCTP association with the peer, over DTLS
/// (RFC 9260, RFC 8261).
@RTCEngine
final class SctpAssociation {
  enum Event {
    /// The peer answered: messages can be sent.
    case connected
    /// The peer will send no more on a stream that it reset.
    case incomingReset(stream: UInt16)
    /// The peer confirmed that this side reset a stream.
    case outgoingReset(stream: UInt16)
    /// The peer refused again and again that this side resets a stream.
    case resetRefused(stream: UInt16)
    case ended(RTCError)
  }

  enum Sent {
    case all
    /// The send buffer has no room now.
    case full
    case failed
  }

  /// How one message is sent.
  struct Delivery {
    var stream: UInt16
    var payload: PayloadProtocol
    var isOrdered = true
    var reliability = DataChannel.Reliability.reliable
  }

  private let configuration: PeerConnection.Configuration
  private let remotePort: UInt16
  private var socket: OpaquePointer?
  private var address: UnsafeMutableRawPointer?
  private var reassembly: MessageReassembly
  private var sendBuffer: Int
  /// The shortest round trip on the present path, in milliseconds.
  private var shortestRoundTrip = Int.max
  private var lastGrowth = ContinuousClock.now
  private var resets = StreamResets()
  private(set) var packets = PacketCounts()

  var onEvent: @RTCEngine (Event) -> Void = { _ in }
  /// Takes a whole message; valid during the call only. What it returns says whether more can be taken.
  var onMessage: @RTCEngine (UInt16, PayloadProtocol, UnsafeRawBufferPointer) -> Void = { _, _, _ in }
  /// Sends a packet.
  var sendPacket: @RTCEngine (UnsafeRawBufferPointer) -> Void = { _ in }
  /// Called when there may be room in the send buffer again.
  var onRoom: @RTCEngine () -> Void = {}

  /// Whether messages are left where they are, so that the peer's window closes.
  var isReadingPaused = false {
    didSet { if oldValue, !isReadingPaused { RTCEngine.afterThis { self.read() } } }
  }

  init(_ configuration: PeerConnection.Configuration, localPort: UInt16, remotePort: UInt16) throws(RTCError) {
    self.configuration = configuration
    self.remotePort = remotePort
    reassembly = MessageReassembly(limit: configuration.maxMessageSize)
    sendBuffer = min(configuration.window, 2 * SctpTuning.unsent)
    let stack = SctpStack.shared
    // The header declares no option for this; a socket takes over what is set when it is made.
    usrsctp_sysctl_set_sctp_default_cc_module(configuration.congestionControl.rawValue)
    let kind = Int32(SOCK_STREAM.rawValue)
    guard let socket = usrsctp_socket(AF_CONN, kind, Int32(IPPROTO_SCTP), nil, nil, 0, nil) else {
      throw .exhausted("usrsctp could not make a socket.")
    }
    self.socket = socket
    address = stack.add(self)
    setOptions(of: socket)
    var local = sockaddr(port: localPort)
    guard withUnsafeMutablePointer(to: &local, { usrsctp_bind(socket, $0.asAddress, Self.addressLength) }) == 0 else {
      close()
      throw .exhausted("usrsctp could not bind its port.")
    }
  }

  isolated deinit {
    precondition(socket == nil, "An association must be closed before it is let go of.")
  }

  // MARK: - Beginning

  /// Begins. Both sides do so at once, and meet (RFC 8831, section 6.2; RFC 9260, section 5.2.1).
  func connect() throws(RTCError) {
    guard let socket else { return }
    var remote = sockaddr(port: remotePort)
    let result = withUnsafeMutablePointer(to: &remote) { usrsctp_connect(socket, $0.asAddress, Self.addressLength) }
    guard result == 0 || errno == EINPROGRESS else { throw .exhausted("usrsctp could not begin.") }
  }

  private func setOptions(of socket: OpaquePointer) {
    usrsctp_set_non_blocking(socket, 1)
    // A socket that is closed tells the peer so at once, and leaves nothing behind.
    set(socket, level: SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
    set(socket, SCTP_NODELAY, Int32(1))
    set(socket, SCTP_RECVRCVINFO, Int32(1))
    set(
      socket, SCTP_ENABLE_STREAM_RESET,
      sctp_assoc_value(
        assoc_id: sctp_assoc_t(SCTP_FUTURE_ASSOC), assoc_value: UInt32(SCTP_ENABLE_RESET_STREAM_REQ)))
    for type in [SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_PARTIAL_DELIVERY_EVENT] {
      set(
        socket, SCTP_EVENT,
        sctp_event(se_assoc_id: sctp_assoc_t(SCTP_FUTURE_ASSOC), se_type: UInt16(type), se_on: 1))
    }
    var initial = sctp_initmsg()
    (initial.sinit_num_ostreams, initial.sinit_max_instreams) = (configuration.streams, configuration.streams)
    set(socket, SCTP_INITMSG, initial)
    set(
      socket, SCTP_RTOINFO,
      sctp_rtoinfo(
        srto_assoc_id: 0, srto_initial: SctpTuning.rtoInitial, srto_max: SctpTuning.rtoMax,
        srto_min: SctpTuning.rtoMin))
    var association = sctp_assocparams()
    association.sasoc_asocmaxrxt = SctpTuning.maxRetransmissions
    set(socket, SCTP_ASSOCINFO, association)
    set(socket, SCTP_MAX_BURST, sctp_assoc_value(assoc_id: 0, assoc_value: 0))
    setPathOptions(of: socket)
    set(socket, level: SOL_SOCKET, SO_SNDBUF, Int32(clamping: sendBuffer))
    set(socket, level: SOL_SOCKET, SO_RCVBUF, Int32(clamping: configuration.window))
    // Messages are delivered whole as far as half of the window holds them: of one that is delivered in parts and then given
    // up, because its channel is not reliable, usrsctp tells the end as if it were whole.
    set(socket, SCTP_PARTIAL_DELIVERY_POINT, UInt32(min(configuration.maxMessageSize + 1, configuration.window)))
  }

  /// Set before there is an association: where both sides begin at once, the peer's cookie makes a new one, which has what
  /// its socket has.
  private func setPathOptions(of socket: OpaquePointer) {
    cusrsctp_set_path(
      socket,
      // usrsctp adds its header to what it is told.
      UInt32(configuration.packetSize - DtlsTuning.recordOverhead - SctpTuning.headerBytes),
      // A living peer answers several times before it counts as lost.
      UInt32(clamping: Int(configuration.peerTimeout / .milliseconds(5))),
      SctpTuning.maxRetransmissions)
  }

  private func set<Value>(
    _ socket: OpaquePointer, level: Int32 = Int32(IPPROTO_SCTP), _ option: Int32, _ value: Value
  ) {
    withUnsafePointer(to: value) {
      _ = usrsctp_setsockopt(socket, level, option, $0, socklen_t(MemoryLayout<Value>.size))
    }
  }

  private func sockaddr(port: UInt16) -> sockaddr_conn {
    var address = sockaddr_conn()
    #if canImport(Darwin)
      address.sconn_len = UInt8(MemoryLayout<sockaddr_conn>.size)
    #endif
    address.sconn_family = numericCast(AF_CONN)
    address.sconn_port = port.bigEndian
    address.sconn_addr = self.address
    return address
  }

  private static let addressLength = socklen_t(MemoryLayout<sockaddr_conn>.size)

  // MARK: - Packets

  /// Takes a packet of the peer, decrypted.
  func receive(_ packet: UnsafeRawBufferPointer) {
    guard let address, packet.count >= SctpTuning.headerBytes + 4 else { return }
    packets.received(packet)
    usrsctp_conninput(address, packet.baseAddress, packet.count, 0)
    read()
    onRoom()
  }

  /// Sends a packet of usrsctp's.
  func transmit(_ packet: UnsafeRawBufferPointer) {
    packets.sent(packet)
    sendPacket(packet)
  }

  /// Called every few milliseconds.
  func tick(at now: ContinuousClock.Instant) {
    // What tells of an abort lies behind the messages that are not read.
    if isReadingPaused, status == nil { return end(.closedByPeer) }
    read()
    resetNext(at: now)
    onRoom()
  }

  /// Asks the peer for a sign of life. usrsctp's own heartbeats come too rarely for short time-outs: it adds the
  /// retransmission time-out, and chance, to what it is told.
  func probe() {
    guard let socket else { return }
    var peer = sockaddr(port: remotePort)
    _ = cusrsctp_send_heartbeat(socket, &peer)
  }

  // MARK: - Messages

  /// Hands over one message whole, or not at all.
  func send(_ message: UnsafeRawBufferPointer, _ delivery: Delivery) -> Sent {
    guard let socket else { return .failed }
    var info = delivery.information
    var isEnlarged = false
    while true {
      let result = withUnsafeMutablePointer(to: &info) {
        usrsctp_sendv(
          socket, message.baseAddress, message.count, nil, 0, $0, socklen_t(MemoryLayout<sctp_sendv_spa>.size),
          UInt32(SCTP_SENDV_SPA), 0)
      }
      if result >= 0 { return .all }
      guard errno == EWOULDBLOCK || errno == EAGAIN || errno == EMSGSIZE || errno == ENOBUFS else { return .failed }
      guard !isEnlarged, fitSendBuffer(for: message.count) else { return .full }
      isEnlarged = true
    }
  }

  /// Makes the send buffer as large as what is on its way, and a little more.
  ///
  /// Beyond some size it grows slowly (as RFC 3742 has slow start do), so that it is seen in time when round trips become
  /// longer, and there it stops: what is sent beyond that waits in a queue on
  /// the way, or is lost when the queue is full, such as the peer's socket.
  /// - Returns: whether it grew.
  private func fitSendBuffer(for message: Int) -> Bool {
    guard let socket, let path = status?.sstat_primary else { return false }
    shortestRoundTrip = min(shortestRoundTrip, max(1, Int(path.spinfo_srtt)))
    let isQueueing = Int(path.spinfo_srtt) > 2 * shortestRoundTrip + SctpTuning.queueingDelay
    let wanted = max(Int(path.spinfo_cwnd) + SctpTuning.unsent, 2 * SctpTuning.unsent)
    let now = ContinuousClock.now
    let isPatient = sendBuffer > SctpTuning.quickGrowth
    if isPatient, now - lastGrowth < SctpTuning.growthInterval, message <= sendBuffer { return false }
    let most = isQueueing ? sendBuffer : isPatient ? sendBuffer + sendBuffer / 20 : .max
    let size = max(min(wanted, configuration.window, most), message)
    // A buffer that is smaller than the congestion window would keep that from growing.
    guard size > sendBuffer + SctpTuning.unsent / 4 || size < sendBuffer / 2 || message > sendBuffer else {
      return false
    }
    defer { (sendBuffer, lastGrowth) = (size, now) }
    set(socket, level: SOL_SOCKET, SO_SNDBUF, Int32(clamping: size))
    return size > sendBuffer
  }

  /// Packets take another way from now on.
  func pathChanged() {
    shortestRoundTrip = .max
  }

  private func read() {
    let scratch = SctpStack.shared.scratch
    while let socket, !isReadingPaused {
      var information = sctp_rcvinfo()
      var length = socklen_t(MemoryLayout<sctp_rcvinfo>.size)
      var (kind, flags): (UInt32, Int32) = (0, 0)
      let count = usrsctp_recvv(
        socket, scratch.baseAddress, scratch.count, nil, nil, &information, &length, &kind, &flags)
      guard count > 0 else {
        // The end of the association is read as the end of the stream, if its notification was not read before.
        if count == 0 { end(.closedByPeer) }
        return
      }
      let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
      if flags & MSG_NOTIFICATION != 0 {
        notified(bytes)
      } else {
        take(bytes, information, isEnd: flags & Int32(MSG_EOR) != 0)
      }
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer, _ information: sctp_rcvinfo, isEnd: Bool) {
    let (stream, payload) = (information.rcv_sid, PayloadProtocol(rawValue: UInt32(bigEndian: information.rcv_ppid)))
    do throws(RTCError) {
      try reassembly.take(bytes, of: stream, isEnd: isEnd) { onMessage(stream, payload, $0) }
    } catch {
      end(error)
    }
  }

  // MARK: - Notifications

  private func notified(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= MemoryLayout<sctp_tlv>.size else { return }
    switch Int32(bytes.load(as: sctp_tlv.self).sn_type) {
    case SCTP_ASSOC_CHANGE where bytes.count >= MemoryLayout<sctp_assoc_change>.size:
      associationChanged(Int32(bytes.load(as: sctp_assoc_change.self).sac_state))
    case SCTP_STREAM_RESET_EVENT where bytes.count >= MemoryLayout<sctp_stream_reset_event>.size:
      guard let event = bytes.baseAddress?.assumingMemoryBound(to: sctp_stream_reset_event.self) else { return }
      streamsReset(event)
    case SCTP_PARTIAL_DELIVERY_EVENT where bytes.count >= MemoryLayout<sctp_pdapi_event>.size:
      reassembly.forget(UInt16(truncatingIfNeeded: bytes.load(as: sctp_pdapi_event.self).pdapi_stream))
    default:
      break
    }
  }

  private func associationChanged(_ state: Int32) {
    switch state {
    case SCTP_COMM_UP: onEvent(.connected)
    case SCTP_COMM_LOST, SCTP_SHUTDOWN_COMP: end(.closedByPeer)
    case SCTP_CANT_STR_ASSOC: end(.timedOut)
    // Over DTLS a peer cannot start anew: it would have to shake hands first.
    case SCTP_RESTART: end(.violation("The SCTP association was restarted."))
    default: break
    }
  }

  private func streamsReset(_ event: UnsafePointer<sctp_stream_reset_event>) {
    let flags = Int32(event.pointee.strreset_flags)
    let listed = (0..<cusrsctp_reset_count(event)).map { cusrsctp_reset_stream_at(event, $0) }
    // RFC 6525, section 4.1: no list stands for all of them.
    let streams = listed.isEmpty ? Array(0..<SctpTuning.streams) : listed
    guard flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED) == 0 else {
      if let stream = resets.failed(at: .now) { onEvent(.resetRefused(stream: stream)) }
      return resetNext()
    }
    if flags & SCTP_STREAM_RESET_INCOMING_SSN != 0 {
      for stream in streams { onEvent(.incomingReset(stream: stream)) }
    }
    if flags & SCTP_STREAM_RESET_OUTGOING_SSN != 0 {
      for stream in streams where resets.confirmed(stream) { onEvent(.outgoingReset(stream: stream)) }
      resetNext()
    }
  }

  /// Resets an outgoing stream once what was sent on it has arrived (RFC 6525; RFC 8831, section 6.7).
  func reset(_ stream: UInt16) {
    resets.add(stream)
    resetNext()
  }

  /// Does not ask for a reset that was refused before.
  func cancelReset(of stream: UInt16) {
    resets.cancel(stream)
  }

  private func resetNext(at now: ContinuousClock.Instant = .now) {
    while let socket, let stream = resets.next(at: now) {
      guard cusrsctp_reset_stream(socket, stream) != 0 else { return resets.begun(stream) }
      guard errno == EINVAL else { return }
      // The peer takes fewer streams: nothing was ever sent on this one. Others must not wait behind it.
      resets.begun(stream)
      if resets.confirmed(stream) { onEvent(.outgoingReset(stream: stream)) }
    }
  }

  // MARK: - State

  /// How many streams there are each way: a peer may have fewer than it is offered.
  var streams: UInt16 {
    status.map { min($0.sstat_instrms, $0.sstat_outstrms, SctpTuning.streams) } ?? SctpTuning.streams
  }

  private var status: sctp_status? {
    guard let socket else { return nil }
    var status = sctp_status()
    var length = socklen_t(MemoryLayout<sctp_status>.size)
    guard usrsctp_getsockopt(socket, Int32(IPPROTO_SCTP), SCTP_STATUS, &status, &length) == 0 else { return nil }
    return status
  }

  /// The congestion window in bytes, and the smoothed round-trip time in milliseconds.
  var path: (congestionWindow: Int, roundTripTime: Int)? {
    status.map { (Int($0.sstat_primary.spinfo_cwnd), Int($0.sstat_primary.spinfo_srtt)) }
  }

  // MARK: - End

  private func end(_ error: RTCError) {
    guard socket != nil else { return }
    close()
    onEvent(.ended(error))
  }

  /// Ends the association and tells the peer, unless it is ended.
  func close() {
    guard let socket, let address else { return }
    self.socket = nil
    self.address = nil
    usrsctp_close(socket)
    SctpStack.shared.remove(address)
  }
}

extension UnsafeMutablePointer<sockaddr_conn> {
  fileprivate var asAddress: UnsafeMutablePointer<sockaddr> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: sockaddr.self)
  }
}
