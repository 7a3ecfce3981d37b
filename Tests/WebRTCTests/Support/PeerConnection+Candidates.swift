import WebRTC

extension PeerConnection {
  /// The candidates that a connection with these settings finds.
  nonisolated static func candidates(_ configuration: Configuration) async throws -> [IceCandidate] {
    let connection = try await PeerConnection(configuration)
    try await connection.setLocalDescription(connection.createOffer())
    var found: [IceCandidate] = []
    for await case .candidate(let candidate) in connection.localCandidates { found.append(candidate) }
    await connection.close()
    return found
  }
}
