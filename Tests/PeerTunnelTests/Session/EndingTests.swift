import CouchAPI
import HTTPTypes
import PouchCore
import Synchronization
import Testing

@testable import PeerTunnel

@Suite(.timeLimit(.minutes(1)))
struct EndingTests {
  private static let request = Request(.get, ["share-1"])

  @Test func `a goodbye ends both sides, and what is under way fails for a passing reason`() async throws {
    let started = Signal()
    try await SessionPair.with(serving: { _ in
      started.happen()
      await Signal.cancellation()
      return Response(.ok)
    }) { pair in
      let task = Task { try await pair.opener.firstShare.send(Self.request) }
      await started.wait()
      pair.sharer.leave(.notShared, "not any more")
      #expect(await pair.sharerEnd.value == .local(.notShared))
      #expect(await pair.openerEnd.value == .remote(.notShared, "not any more"))
      await expectError(.badResponse) { _ = try await task.value }
      await expectError(.unreachable) { _ = try await pair.opener.firstShare.send(Self.request) }
      await expectError(.unreachable) { try await pair.opener.ready() }
      await expectError(.unreachable) { _ = try await pair.opener.open(ShareOpening(share: "s")) }
    }
  }

  @Test func `a lost channel ends both sides and all streams`() async throws {
    let started = Signal()
    try await SessionPair.with(serving: { _ in
      started.happen()
      return Response(.ok, body: .stream(ByteStream { { [UInt8](repeating: 1, count: 1000) } }, length: nil))
    }) { pair in
      let response = try await pair.opener.firstShare.send(Self.request)
      pair.channel.cut()
      await expectError(.badResponse) { for try await _ in response.body.stream {} }
      #expect(await pair.openerEnd.value == .channelLost)
      #expect(await pair.sharerEnd.value == .channelLost)
    }
  }

  @Test func `cancelling the run ends the session`() async throws {
    try await SessionPair.with(serving: echo) { pair in
      try await pair.opener.ready()
      pair.openerEnd.cancel()
      #expect(await pair.openerEnd.value == .channelLost)
      #expect(await pair.sharerEnd.value == .channelLost)
    }
  }

  @Test func `who does not prove who it is is sent away`() async throws {
    let wrong = HelloProof(own: [1, 2, 3]) { _ in true }
    try await SessionPair.with(serving: echo, openersProof: wrong) { pair in
      await expectError(.unreachable) { _ = try await pair.opener.firstShare.send(Self.request) }
      #expect(await pair.openerEnd.value == .remote(.wrongProof, "wrongProof"))
      #expect(await pair.sharerEnd.value == .violation(.wrongProof))
    }
  }

  @Test func `a peer that does not speak is given up`() async throws {
    var limits = TunnelLimits()
    limits.hello = .milliseconds(20)
    limits.tick = .milliseconds(5)
    let (left, _) = MemoryChannel.pair()
    let session = TunnelSession(left, .opener, SessionPair.hello, limits: limits)
    let end = Task { await session.run() }
    await expectError(.unreachable) { _ = try await session.firstShare.send(Self.request) }
    #expect(await end.value == .silence)
  }

  @Test func `requests before the session runs wait for it`() async throws {
    let (left, right) = MemoryChannel.pair()
    let opener = TunnelSession(left, .opener, SessionPair.hello)
    let sharer = TunnelSession(right, .sharer(share: "share-1", echo), SessionPair.hello)
    async let response = opener.firstShare.send(Self.request)
    async let openerEnd = opener.run()
    async let sharerEnd = sharer.run()
    let status = try await response.status
    #expect(status == .ok)
    opener.leave()
    #expect(await openerEnd == .local(.done))
    #expect(await sharerEnd == .remote(.done, ""))
  }

  @Test(arguments: 0..<60)
  func `wherever the channel is cut, each request is answered or fails for a passing reason`(
    seed: UInt64
  ) async throws {
    let faults = ChannelFaults(seed: seed, longestDelay: Int(seed % 7), lostAfter: Int(seed))
    try await SessionPair.with(serving: echo, faults: faults) { pair in
      let bytes = [UInt8](repeating: UInt8(seed), count: 150_000)
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<6 {
          group.addTask {
            do {
              let body = Body.stream(ByteStream(bytes), length: Int64(bytes.count))
              let response = try await pair.opener.firstShare.send(Request(.post, ["share-1"], body: body))
              #expect(try await response.body.collect(upTo: .max) == bytes, "seed \(seed)")
            } catch let error as PouchError {
              #expect(error.code.isTransient, "seed \(seed): \(error)")
            } catch {
              Issue.record("seed \(seed): \(error)")
            }
          }
        }
      }
    }
  }

  @Test func `a partition only delays`() async throws {
    try await SessionPair.with(serving: echo, faults: ChannelFaults(seed: 3, longestDelay: 9)) { pair in
      try await pair.opener.ready()
      pair.channel.partition()
      async let response = pair.opener.firstShare.send(Request(.post, ["share-1"], body: .bytes([5])))
      for _ in 0..<100 { await Task.yield() }
      pair.channel.heal()
      let answer = try await response.body.collect(upTo: 1)
      #expect(answer == [5])
    }
  }

  @Test func `requests beyond those at work are refused, and may be sent again`() async throws {
    var limits = TunnelLimits()
    limits.requests = 2
    let release = Signal()
    let started = Mutex(0)
    let bothStarted = Signal()
    try await SessionPair.with(
      serving: { _ in
        if started.withLock({
          $0 += 1
          return $0 == 2
        }) {
          bothStarted.happen()
        }
        await release.wait()
        return Response(.ok)
      }, limits: limits
    ) { pair in
      async let first = pair.opener.firstShare.send(Self.request)
      async let second = pair.opener.firstShare.send(Self.request)
      await bothStarted.wait()
      await expectError(.unreachable) { _ = try await pair.opener.firstShare.send(Self.request) }
      release.happen()
      let statuses = try await [first.status, second.status]
      #expect(statuses == [.ok, .ok])
    }
  }
}
