import Testing
import WebRTC

@Suite("Connections of one process")
struct ConnectionTests {
  @Test(arguments: ["127.0.0.1", "::1"]) func `a message goes over a channel and is answered`(address: String)
    async throws
  {
    var configuration = Pair.configuration
    configuration.addresses = .addresses([address])
    let (pair, here, there) = try await Pair.connected(DataChannel.Options(), configuration, configuration)
    try await here.send("hello")
    #expect(try await there.next() == .text("hello"))
    try await there.send([1, 2, 3])
    #expect(try await here.next() == .binary([1, 2, 3]))
    let path = try #require(await pair.offerer.selectedCandidatePair)
    #expect(path.local.address == address && path.remote.address == address && !path.isRelayed)
    await pair.close()
  }

  @Test func `either side may be the one that begins the handshake`() async throws {
    let pair = try await Pair()
    let channel = try await pair.offerer.createDataChannel("x")
    let offer = try await pair.offerer.createOffer()
    try await pair.offerer.setLocalDescription(offer)
    // The peer of old says that it is active; the answer must then be passive.
    try await pair.answerer.setRemoteDescription(
      SessionDescription(.offer, sdp: offer.sdp.replacing("a=setup:actpass", with: "a=setup:active")))
    let answer = try await pair.answerer.createAnswer()
    #expect(answer.dataSection?.setup == .passive)
    try await pair.answerer.setLocalDescription(answer)
    try await pair.offerer.setRemoteDescription(answer)
    try await pair.trickle()
    try await channel.opened()
    #expect(channel.id == 0)
    await pair.close()
  }

  @Test func `descriptions that carry all candidates are enough`() async throws {
    let pair = try await Pair()
    let channel = try await pair.offerer.createDataChannel("x")
    try await pair.offerer.setLocalDescription(pair.offerer.createOffer())
    try await pair.answerer.setRemoteDescription(try await pair.offerer.completeDescription())
    try await pair.answerer.setLocalDescription(pair.answerer.createAnswer())
    let answer = try await pair.answerer.completeDescription()
    #expect(answer.dataSection?.isComplete == true && answer.dataSection?.candidates.isEmpty == false)
    try await pair.offerer.setRemoteDescription(answer)
    try await channel.opened()
    await pair.close()
  }

  @Test func `states are told in their order`() async throws {
    let pair = try await Pair()
    let states = pair.offerer.connectionStates
    let gathering = pair.offerer.gatheringStates
    let channel = try await pair.offerer.createDataChannel("x")
    try await pair.connect()
    try await channel.opened()
    await pair.close()
    #expect(await states.reduce(into: []) { $0.append($1) } == [.new, .connecting, .connected, .closed])
    #expect(await gathering.reduce(into: []) { $0.append($1) }.suffix(2) == [.gathering, .complete])
  }

  @Test func `the peer's certificate is known, and what was carried is counted`() async throws {
    let (pair, here, there) = try await Pair.connected()
    #expect(await pair.offerer.remoteFingerprint == pair.answerer.certificate.fingerprint)
    #expect(await pair.answerer.remoteFingerprint == pair.offerer.certificate.fingerprint)
    try await here.send([UInt8](repeating: 0, count: 100_000))
    _ = try await there.next()
    let statistics = await pair.offerer.statistics
    #expect(statistics.bytesSent > 100_000 && statistics.packetsSent > 80 && statistics.packetsReceived > 0)
    #expect(statistics.congestionWindow ?? 0 > 1000 && statistics.roundTripTime != nil)
    await pair.close()
  }

  @Test func `a certificate that was kept is used again`() async throws {
    var configuration = Pair.configuration
    let certificate = try Certificate()
    configuration.certificate = try Certificate(pem: certificate.pem)
    let (pair, here, _) = try await Pair.connected(DataChannel.Options(), configuration)
    #expect(await pair.answerer.remoteFingerprint == certificate.fingerprint)
    #expect(here.currentState == .open)
    await pair.close()
  }

  @Test func `sections of other kinds are rejected in the answer`() async throws {
    let pair = try await Pair()
    let offer = try await pair.offerer.createOffer()
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\n"
    let mixed = offer.sdp.replacing("m=application", with: video + "m=application", maxReplacements: 1)
    try await pair.answerer.setRemoteDescription(SessionDescription(.offer, sdp: mixed))
    let answer = try await pair.answerer.createAnswer()
    #expect(answer.sdp.contains("m=video 0 "))
    #expect(answer.dataSection != nil && answer.sections.count == 2)
    await pair.close()
  }

  @Test func `packets of 16,000 bytes carry messages`() async throws {
    var configuration = Pair.configuration
    configuration.packetSize = 16_000
    let (pair, here, there) = try await Pair.connected(DataChannel.Options(), configuration, configuration)
    try await here.send([UInt8](repeating: 9, count: 200_000))
    #expect(try await there.next() == .binary([UInt8](repeating: 9, count: 200_000)))
    let statistics = await pair.offerer.statistics
    #expect(statistics.bytesSent / statistics.packetsSent > 5000)
    await pair.close()
  }

  @Test func `a new path is found while channels go on`() async throws {
    let (pair, here, there) = try await Pair.connected()
    async let echoing: Void = there.echo()
    let old = try #require(await pair.offerer.localDescription?.dataSection)
    await pair.offerer.restartICE()
    try await pair.signal()
    let new = try #require(await pair.offerer.localDescription?.dataSection)
    #expect(new.iceUfrag != old.iceUfrag && new.fingerprints == old.fingerprints)
    for number in 0..<50 {
      try await here.send("\(number)")
      #expect(try await here.next() == .text("\(number)"))
    }
    #expect(await pair.offerer.connectionState == .connected)
    await here.close()
    try await echoing
    await pair.close()
  }
}

extension Pair {
  func trickle() async throws {
    async let there: Void = Pair.trickle(from: offerer, to: answerer)
    async let back: Void = Pair.trickle(from: answerer, to: offerer)
    _ = try await (there, back)
  }
}

extension PeerConnection {
  /// The local description once all candidates are found.
  func completeDescription() async throws -> SessionDescription {
    for await state in gatheringStates where state == .complete { break }
    return try #require(localDescription)
  }
}
