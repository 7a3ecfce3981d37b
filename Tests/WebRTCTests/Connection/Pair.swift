import WebRTC

/// Two connections in one process, which know each other's descriptions.
@RTCEngine
struct Pair {
  let offerer: PeerConnection
  let answerer: PeerConnection

  /// The settings of tests: loopback only, for nothing of a test may leave the machine.
  nonisolated static var configuration: PeerConnection.Configuration {
    var configuration = PeerConnection.Configuration()
    configuration.addresses = .addresses(["127.0.0.1"])
    return configuration
  }

  init(
    _ offering: PeerConnection.Configuration = Pair.configuration,
    _ answering: PeerConnection.Configuration = Pair.configuration
  ) throws {
    offerer = try PeerConnection(offering)
    answerer = try PeerConnection(answering)
  }

  /// Exchanges descriptions, then candidates as they are found.
  func signal() async throws {
    let offer = try offerer.createOffer()
    try offerer.setLocalDescription(offer)
    try answerer.setRemoteDescription(SessionDescription(.offer, sdp: offer.sdp))
    let answer = try answerer.createAnswer()
    try answerer.setLocalDescription(answer)
    try offerer.setRemoteDescription(SessionDescription(.answer, sdp: answer.sdp))
    async let there: Void = Pair.trickle(from: offerer, to: answerer)
    async let back: Void = Pair.trickle(from: answerer, to: offerer)
    _ = try await (there, back)
  }

  static func trickle(from sender: PeerConnection, to receiver: PeerConnection) async throws {
    for await candidate in sender.localCandidates { try receiver.addIceCandidate(candidate) }
  }

  /// Signals, and waits until both are connected.
  func connect() async throws {
    try await signal()
    try await offerer.connected()
    try await answerer.connected()
  }

  func close() {
    offerer.close()
    answerer.close()
  }
}
