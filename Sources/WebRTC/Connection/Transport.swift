/// What stands between ICE and the channels.
@RTCEngine
enum Transport {
  case none
  /// The descriptions are known, a path is not yet. Datagrams of a peer that found it sooner are kept.
  case waiting(DtlsTransport, early: [[UInt8]])
  case encrypting(DtlsTransport)
  case associated(DtlsTransport, SctpAssociation)
  case closed

  /// How many datagrams are kept before a path is known here. A flight of the handshake has fewer; the peer sends again.
  static let earlyDatagrams = 16

  var dtls: DtlsTransport? {
    switch self {
    case .waiting(let dtls, _), .encrypting(let dtls), .associated(let dtls, _): dtls
    case .none, .closed: nil
    }
  }

  var association: SctpAssociation? {
    if case .associated(_, let association) = self { association } else { nil }
  }

  mutating func close() {
    association?.close()
    dtls?.close()
    self = .closed
  }
}

extension PeerConnection {
  /// Sets up what the descriptions say. It begins when there is a path.
  func prepareTransport(for remote: DataSection) throws(RTCError) {
    guard case .none = transport else { return }
    let role: DtlsTransport.Role = negotiation.isActive ? .client : .server
    let dtls = try DtlsTransport(
      role, certificate: certificate, expecting: remote.fingerprints, packetSize: configuration.packetSize)
    dtls.sendDatagram = { [ice] datagram in ice.send(datagram) }
    dtls.onEvent = { [weak self] event in self?.handle(event) }
    transport = .waiting(dtls, early: [])
  }

  // MARK: - ICE

  func handle(_ event: IceTransport.Event) {
    switch event {
    case .candidate(var candidate):
      (candidate.sdpMid, candidate.sdpMLineIndex) = (negotiation.mid, negotiation.index)
      candidates.add(candidate)
    case .gatheringDone:
      candidates.complete(mid: negotiation.mid, index: negotiation.index)
      gatheringBroadcast.set(.complete)
    case .connected:
      pathFound()
    case .failed:
      // A path that worked may come back: the peer's silence decides.
      if case .waiting = transport { fail(.noPath) }
    case .pair(let pair):
      selectedCandidatePair = pair
      transport.association?.pathChanged()
    }
  }

  private func pathFound() {
    guard case .waiting(let dtls, let early) = transport else { return }
    transport = .encrypting(dtls)
    // From here on packets take the short way, which no weak reference slows down.
    ice.onDatagram = { [unowned dtls] datagram in dtls.receive(datagram) }
    dtls.start()
    for datagram in early { datagram.withUnsafeBytes(dtls.receive) }
  }

  /// Keeps a datagram that came before a path is known here.
  func receive(_ datagram: UnsafeRawBufferPointer) {
    guard case .waiting(let dtls, var early) = transport, early.count < Transport.earlyDatagrams,
      datagram.count <= 2 * configuration.packetSize
    else { return }
    early.append(Array(datagram))
    transport = .waiting(dtls, early: early)
  }

  // MARK: - DTLS

  private func handle(_ event: DtlsTransport.Event) {
    switch event {
    case .connected:
      do throws(RTCError) { try associate() } catch { fail(error) }
    case .closed:
      fail(.closedByPeer)
    case .failed(let error):
      fail(error)
    }
  }

  private func associate() throws(RTCError) {
    guard case .encrypting(let dtls) = transport, let remote = negotiation.remote else { return }
    let association = try SctpAssociation(
      configuration, localPort: Negotiation.sctpPort, remotePort: remote.sctpPort)
    transport = .associated(dtls, association)
    association.sendPacket = { [unowned dtls] packet in dtls.send(packet) }
    association.onMessage = { [channels] stream, payload, bytes in channels.receive(bytes, payload, on: stream) }
    association.onRoom = { [channels] in channels.pump() }
    association.onEvent = { [weak self] event in self?.handle(event) }
    dtls.onPacket = { [unowned association] packet in association.receive(packet) }
    try association.connect()
  }

  // MARK: - SCTP

  private func handle(_ event: SctpAssociation.Event) {
    switch event {
    case .connected:
      guard case .associated(let dtls, let association) = transport, let remote = negotiation.remote else { return }
      let limit = min(Int(clamping: remote.messageLimit), configuration.window)
      beginWatching()
      channels.connected(association, isClient: dtls.role == .client, sendLimit: limit)
    case .incomingReset(let stream):
      channels.incomingReset(stream)
    case .outgoingReset(let stream):
      channels.outgoingReset(stream)
    case .resetRefused(let stream):
      channels.resetRefused(stream)
    case .ended(let error):
      fail(error)
    }
  }
}
