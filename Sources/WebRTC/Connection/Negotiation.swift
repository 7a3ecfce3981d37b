/// What the two sides have told each other (RFC 8829).
struct Negotiation: Sendable {
  /// RFC 8841, section 5: the usual port of SCTP over DTLS, where it means nothing.
  static let sctpPort: UInt16 = 5000

  var signalingState = PeerConnection.SignalingState.stable
  let sessionID = UInt64.random(in: 1...UInt64(Int64.max))
  var version: UInt64 = 1

  var localDescription: SessionDescription?
  var remoteDescription: SessionDescription?
  /// The pending offer of either side.
  var offer: SessionDescription?

  /// The section of the channels: its identification and its index.
  var mid = "0"
  var index = 0

  /// What the peer says of the channels.
  var remote: DataSection?
  /// Whether this side begins the DTLS handshake.
  var isActive = false
  /// Whether candidates can be given to libnice: both sides' credentials are known.
  var canAddCandidates: Bool { remote != nil && localDescription != nil }
  /// Candidates of the peer that came too soon; `nil` stands for the end of them.
  var early: [IceCandidate?] = []
  /// Whether the next offer has new ICE credentials.
  var mustRestart = false

  /// How many candidates of a peer are taken. A browser on many networks has some dozens.
  static let maxRemoteCandidates = 128
  var remoteCandidates = 0

  /// The descriptions' identification of the section of channels.
  mutating func place(in description: SessionDescription) {
    for (index, section) in description.sections.enumerated() {
      if case .data(let data) = section, !data.isRejected {
        (self.index, mid) = (index, data.mid)
        return
      }
    }
  }
}

extension PeerConnection {
  /// Which description is awaited.
  public var signalingState: SignalingState { negotiation.signalingState }

  /// This side's description with the candidates that were found so far; `nil` before it is set.
  public var localDescription: SessionDescription? {
    guard var description = negotiation.localDescription else { return nil }
    description.sections = description.sections.map { section in
      guard case .data(var data) = section, !data.isRejected else { return section }
      data.candidates = candidates.found
      data.isComplete = candidates.isComplete
      return .data(data)
    }
    return description
  }

  /// The peer's description as it was set.
  public var remoteDescription: SessionDescription? { negotiation.remoteDescription }

  /// Makes an offer. It says how this side is reached once it is set as the local description.
  /// - Throws: ``RTCError/invalidState(_:)`` if an offer of the peer waits for its answer.
  public func createOffer() throws(RTCError) -> SessionDescription {
    try requireState(.stable, .haveLocalOffer)
    if negotiation.mustRestart {
      negotiation.mustRestart = false
      ice.restart()
    }
    // Once the connection is made its roles stay (RFC 8842, section 5.5).
    let setup: SetupRole = negotiation.remote == nil ? .actpass : negotiation.isActive ? .active : .passive
    var section = try localSection(setup: setup)
    section.mid = negotiation.mid
    let sections = negotiation.remoteDescription?.sections ?? [.data(section)]
    return SessionDescription(
      type: .offer, sessionID: negotiation.sessionID, sessionVersion: negotiation.version,
      sections: sections.enumerated().map { $0.offset == negotiation.index ? .data(section) : $0.element })
  }

  /// Makes the answer to the peer's offer. Sections of other kinds, such as video, are rejected in it.
  /// - Throws: ``RTCError/invalidState(_:)`` if there is no offer.
  public func createAnswer() throws(RTCError) -> SessionDescription {
    try requireState(.haveRemoteOffer)
    guard let offer = negotiation.offer, let offered = offer.dataSection else {
      throw .invalidState("There is no offer to be answered.")
    }
    // RFC 8842, section 5.3: the answerer should be the active one where it may choose.
    let section = try localSection(setup: offered.setup == .active ? .passive : .active)
    return SessionDescription(
      answering: offer, sessionID: negotiation.sessionID, sessionVersion: negotiation.version, with: section)
  }

  private func localSection(setup: SetupRole) throws(RTCError) -> DataSection {
    let credentials = try ice.localCredentials()
    return DataSection(
      mid: negotiation.mid, iceUfrag: credentials.ufrag, icePwd: credentials.password,
      fingerprints: [certificate.fingerprint], setup: setup, sctpPort: Negotiation.sctpPort,
      maxMessageSize: UInt64(configuration.maxMessageSize))
  }

  /// Sets what ``createOffer()`` or ``createAnswer()`` made, and begins to look for candidates.
  /// - Throws: ``RTCError/invalidState(_:)``; ``RTCError/invalid(_:)`` if the description is another one;
  ///   ``RTCError/exhausted(_:)`` if no socket can be bound.
  public func setLocalDescription(_ description: SessionDescription) throws(RTCError) {
    switch description.type {
    case .offer: try requireState(.stable, .haveLocalOffer)
    case .answer: try requireState(.haveRemoteOffer)
    }
    let credentials = try ice.localCredentials()
    guard let section = description.dataSection, section.iceUfrag == credentials.ufrag,
      section.icePwd == credentials.password, section.fingerprints.contains(certificate.fingerprint)
    else { throw .invalid("This is not a description that this connection made.") }
    negotiation.place(in: description)
    if gatheringState == .new { gatheringBroadcast.set(.gathering) }
    try ice.gather()
    negotiation.localDescription = description
    negotiation.version += 1
    switch description.type {
    case .offer:
      negotiation.offer = description
      negotiation.signalingState = .haveLocalOffer
      if negotiation.remote == nil { ice.setControlling(true) }
    case .answer:
      negotiation.offer = nil
      negotiation.signalingState = .stable
      if case .none = transport { negotiation.isActive = section.setup == .active }
      try bothDescribed()
    }
  }

  /// Sets what the peer sent.
  /// - Throws: ``RTCError/invalidState(_:)``; ``RTCError/invalid(_:)`` if the peer offers no channels or refuses them, or
  ///   if its part in the handshake does not fit.
  public func setRemoteDescription(_ description: SessionDescription) throws(RTCError) {
    switch description.type {
    case .offer: try requireState(.stable, .haveRemoteOffer)
    case .answer: try requireState(.haveLocalOffer)
    }
    guard let section = description.dataSection else { throw .invalid("The peer's description has no data channels.") }
    let isRestart = negotiation.remote.map { $0.iceUfrag != section.iceUfrag } ?? false
    if let known = negotiation.remote, known.fingerprints != section.fingerprints {
      throw .invalid("The peer's certificate cannot change while the connection lasts.")
    }
    switch description.type {
    case .offer:
      guard section.setup != .holdconn else { throw .invalid("The peer does not want to connect.") }
      negotiation.place(in: description)
      // The peer begins anew with ICE: so does this side, in its answer.
      if isRestart { ice.restart() }
      if negotiation.remote == nil { ice.setControlling(false) }
      negotiation.offer = description
      negotiation.signalingState = .haveRemoteOffer
    case .answer:
      guard section.setup == .active || section.setup == .passive else {
        throw .invalid("The peer's answer does not say who begins the handshake.")
      }
      negotiation.offer = nil
      negotiation.signalingState = .stable
      if case .none = transport { negotiation.isActive = section.setup == .passive }
    }
    negotiation.remoteDescription = description
    negotiation.remote = section
    try ice.setRemote(ufrag: section.iceUfrag, password: section.icePwd)
    negotiation.remoteCandidates = 0
    if isRestart { negotiation.early = [] }
    let isWhole = section.isComplete || !section.iceOptions.contains("trickle")
    negotiation.early = section.candidates + negotiation.early + (isWhole ? [nil] : [])
    if description.type == .answer { try bothDescribed() }
    addEarlyCandidates()
  }

  private func bothDescribed() throws(RTCError) {
    guard let remote = negotiation.remote else { return }
    try prepareTransport(for: remote)
    beginConnecting()
    addEarlyCandidates()
  }

  private func requireState(_ states: SignalingState...) throws(RTCError) {
    guard !states.contains(negotiation.signalingState) else { return }
    throw .invalidState("This cannot be done while the signaling state is \(negotiation.signalingState).")
  }

  // MARK: - Candidates

  /// Adds a candidate of the peer, or learns that there are no more. Those of another exchange of descriptions are ignored,
  /// and so are those beyond 128.
  /// - Throws: ``RTCError/invalidState(_:)`` if the connection is closed.
  public func addIceCandidate(_ candidate: TrickledCandidate) throws(RTCError) {
    guard negotiation.signalingState != .closed else { throw .invalidState("The connection is closed.") }
    guard negotiation.early.count <= Negotiation.maxRemoteCandidates else { return }
    switch candidate {
    case .candidate(let candidate): negotiation.early.append(candidate)
    case .end: negotiation.early.append(nil)
    }
    addEarlyCandidates()
  }

  private func addEarlyCandidates() {
    guard negotiation.canAddCandidates, let remote = negotiation.remote else { return }
    let early = negotiation.early
    negotiation.early = []
    for candidate in early {
      guard let candidate else {
        ice.endRemoteCandidates()
        continue
      }
      guard negotiation.remoteCandidates < Negotiation.maxRemoteCandidates,
        candidate.usernameFragment.map({ $0 == remote.iceUfrag }) ?? true
      else { continue }
      negotiation.remoteCandidates += 1
      ice.addRemote(candidate)
    }
  }

  /// Has the next offer look for a new path, as when the network has changed. The channels stay.
  public func restartICE() {
    negotiation.mustRestart = true
  }
}
