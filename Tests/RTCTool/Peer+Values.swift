import WebRTC

extension PeerConnection.Configuration {
  /// What `create` asks for.
  init(_ request: Request) throws {
    self.init()
    if let address = request.address { addresses = .addresses([address]) }
    if let packetSize = request.packetSize { self.packetSize = packetSize }
    if let window = request.window { self.window = window }
    if let deadAfter = request.deadAfter { peerTimeout = .seconds(deadAfter) }
    switch request.congestion {
    case nil: break
    case "standard": congestionControl = .standard
    case "highSpeed": congestionControl = .highSpeed
    case "hTCP": congestionControl = .hTCP
    case let name?: throw Refusal(description: "there is no congestion control \(name)")
    }
  }
}

extension DataChannel.Options {
  /// What `open` asks for.
  init(_ request: Request) throws {
    self.init()
    isOrdered = request.ordered ?? true
    protocolName = request.protocolName ?? ""
    if let count = request.maxRetransmits { reliability = .maxRetransmits(count) }
    if let time = request.maxPacketLifeTime { reliability = .maxPacketLifeTime(milliseconds: time) }
    if request.negotiated == true { negotiatedID = try request.required(\.number, "number") }
  }
}

extension IceCandidate {
  /// Its kind and address, for people.
  var summary: String { "\(kind.rawValue) \(address):\(port)" }
}

extension Output {
  static func tell(_ state: PeerConnection.ConnectionState) {
    switch state {
    case .new: break
    case .connecting: event("state", ["state": .text("connecting")])
    case .connected: event("state", ["state": .text("connected")])
    case .disconnected: event("state", ["state": .text("disconnected")])
    case .failed(let error): event("state", ["state": .text("failed"), "reason": .text(error.description)])
    case .closed: event("state", ["state": .text("closed")])
    }
  }

  static func tell(_ candidate: TrickledCandidate) {
    switch candidate {
    case .candidate(let candidate):
      tell(candidate.candidate, mid: candidate.sdpMid, index: candidate.sdpMLineIndex)
    case .end(let mid, let index):
      tell("", mid: mid, index: index)
    }
  }

  private static func tell(_ candidate: String, mid: String?, index: Int?) {
    let mid = mid.map(Field.text) ?? .none
    event("candidate", ["candidate": .text(candidate), "mid": mid, "index": Field(index)])
  }

  /// Tells that a channel is open.
  static func tell(open channel: DataChannel) {
    var fields: [String: Field] = [
      "label": .text(channel.label), "protocol": .text(channel.options.protocolName),
      "ordered": .flag(channel.options.isOrdered), "maxRetransmits": .none, "maxPacketLifeTime": .none,
      "number": Field(channel.id), "incoming": .flag(channel.isIncoming),
    ]
    switch channel.options.reliability {
    case .reliable: break
    case .maxRetransmits(let count): fields["maxRetransmits"] = Field(count)
    case .maxPacketLifeTime(let milliseconds): fields["maxPacketLifeTime"] = Field(milliseconds)
    }
    event("open", fields)
  }
}
