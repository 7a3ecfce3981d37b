import WebRTC

/// Does something on the engine's thread: what is between two suspensions happens between two packets.
@RTCEngine
func onEngine(_ body: @RTCEngine () async throws -> Void) async throws {
  try await body()
}
