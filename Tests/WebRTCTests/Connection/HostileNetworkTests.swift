import TestSupport
import Testing
import WebRTC

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Strangers can send anything to the port of a connection.
@Suite("A hostile network")
struct HostileNetworkTests {
  @Test(arguments: [UInt64(7), 8]) func `garbage from strangers does not disturb a transfer`(seed: UInt64) async throws
  {
    let (pair, here, there) = try await Pair.connected()
    let ports = [
      try #require(await pair.offerer.selectedCandidatePair).local.port,
      try #require(await pair.answerer.selectedCandidatePair).local.port,
    ]
    let stranger = try Stranger(seed: seed)
    let sending = Task {
      for number in 0..<400 {
        try await here.send([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 20_000))
      }
    }
    for number in 0..<400 {
      for port in ports { stranger.sendGarbage(to: port) }
      #expect(try await there.next() == .binary([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 20_000)))
    }
    try await sending.value
    #expect(await pair.offerer.connectionState == .connected)
    await pair.close()
  }

  @Test func `garbage before the handshake does not hinder it`() async throws {
    let pair = try await Pair()
    let channel = try await pair.offerer.createDataChannel("x")
    let offer = try await pair.offerer.createOffer()
    try await pair.offerer.setLocalDescription(offer)
    let description = try await pair.offerer.completeDescription()
    let port = try #require(description.dataSection?.candidates.first?.port)
    let stranger = try Stranger(seed: 3)
    for _ in 0..<2000 { stranger.sendGarbage(to: port) }
    try await pair.answerer.setRemoteDescription(offer)
    let answer = try await pair.answerer.createAnswer()
    try await pair.answerer.setLocalDescription(answer)
    try await pair.offerer.setRemoteDescription(answer)
    for _ in 0..<2000 { stranger.sendGarbage(to: port) }
    try await pair.trickle()
    try await channel.opened()
    await pair.close()
  }

  @Test(arguments: [UInt64(1), 2]) func `replayed and truncated packets hinder neither handshakes nor a transfer`(
    seed: UInt64
  ) async throws {
    let pair = try await Pair()
    let here = try await pair.offerer.createDataChannel("x")
    let forwarder = try Forwarder()
    defer { forwarder.stop() }
    try await pair.connect(through: forwarder, percent: 5, seed: seed)
    let there = try await pair.incoming()
    let sending = Task {
      for number in 0..<200 {
        try await here.send([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 20_000))
      }
    }
    for number in 0..<200 {
      #expect(try await there.next() == .binary([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 20_000)))
    }
    try await sending.value
    #expect(await pair.offerer.connectionState == .connected)
    #expect(await pair.answerer.connectionState == .connected)
    #expect(forwarder.replayed.value > 50 && forwarder.truncated.value > 50)
    await pair.close()
  }
}

extension Pair {
  /// Connects two sides each of which takes the forwarder for the other.
  fileprivate func connect(through forwarder: Forwarder, percent: Int, seed: UInt64) async throws {
    let offer = try offerer.createOffer()
    try offerer.setLocalDescription(offer)
    try answerer.setRemoteDescription(offer)
    let answer = try answerer.createAnswer()
    try answerer.setLocalDescription(answer)
    try offerer.setRemoteDescription(answer)
    var (first, second) = try await (offerer.localCandidate(), answerer.localCandidate())
    forwarder.start(first: first.port, second: second.port, percent: percent, seed: seed)
    (first.port, second.port) = (forwarder.ports.forSecond, forwarder.ports.forFirst)
    try answerer.addIceCandidate(.candidate(first))
    try offerer.addIceCandidate(.candidate(second))
    try await offerer.connected()
    try await answerer.connected()
  }
}

extension PeerConnection {
  /// The first candidate that is found.
  fileprivate func localCandidate() async throws -> IceCandidate {
    for await case .candidate(let candidate) in localCandidates { return candidate }
    throw RTCError.noPath
  }
}

/// A UDP socket that sends nonsense, some of which begins like what it could be taken for.
private final class Stranger {
  private let descriptor: Int32
  private var generator: SeededGenerator

  init(seed: UInt64) throws {
    #if canImport(Darwin)
      descriptor = socket(AF_INET, SOCK_DGRAM, 0)
    #else
      descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    #endif
    generator = SeededGenerator(seed: seed)
    try #require(descriptor >= 0)
  }

  deinit {
    close(descriptor)
  }

  func sendGarbage(to port: UInt16) {
    var bytes = (0..<Int.random(in: 1...1300, using: &generator)).map { _ in
      UInt8.random(in: 0...255, using: &generator)
    }
    // STUN, DTLS of all record types and versions, and what nobody knows (RFC 7983, section 7).
    let beginnings: [[UInt8]] = [
      [], [0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42], [22, 254, 253, 0, 0], [22, 254, 255, 0, 0], [23, 254, 253, 0, 1],
      [21, 254, 253, 0, 1], [20, 254, 253], [63], [128], [255],
    ]
    let beginning = beginnings.randomElement(using: &generator) ?? []
    bytes.replaceSubrange(0..<min(beginning.count, bytes.count), with: beginning)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = sendto(descriptor, bytes, bytes.count, 0, address, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
