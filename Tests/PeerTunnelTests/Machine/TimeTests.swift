import CouchAPI
import PouchCore
import Testing

@testable import PeerTunnel

struct TimeTests {
  @Test func `no hello within ten seconds ends the session`() {
    var pair = MachinePair()
    pair.now += .seconds(10)
    #expect(pair.sharer.tick(at: pair.now) == [])
    pair.now += .milliseconds(1)
    #expect(pair.sharer.tick(at: pair.now) == [.ended(.silence)])
  }

  @Test func `pings keep an idle connection alive`() throws {
    var pair = try MachinePair.ready()
    for _ in 0..<600 {
      pair.now += .seconds(1)
      #expect(pair.opener.tick(at: pair.now) == [])
      #expect(pair.sharer.tick(at: pair.now) == [])
      try pair.exchange()
    }
  }

  @Test func `a peer that is silent for two minutes is gone`() throws {
    var pair = try MachinePair.ready()
    for _ in 0..<120 {
      pair.now += .seconds(1)
      #expect(pair.sharer.tick(at: pair.now) == [])
      while pair.sharer.nextMessage(at: pair.now) != nil {}
    }
    pair.now += .seconds(1)
    #expect(pair.sharer.tick(at: pair.now) == [.ended(.silence)])
  }

  @Test func `a channel that takes nothing for a minute is lost`() throws {
    var pair = try MachinePair.ready()
    _ = try pair.request()
    _ = pair.opener.nextMessage(at: pair.now)
    for _ in 0..<60 {
      pair.now += .seconds(1)
      #expect(pair.violation(of: frame(.ping, [0, 0, 0, 0, 0, 0, 0, 1])) == nil)
      _ = try pair.opener.receive(frame(.ping, [0, 0, 0, 0, 0, 0, 0, 1]), at: pair.now)
      #expect(pair.opener.tick(at: pair.now) == [])
    }
    pair.now += .seconds(1)
    #expect(pair.opener.tick(at: pair.now) == [.ended(.silence)])
  }

  @Test func `a request's body that stalls for a minute ends its stream alone`() throws {
    var pair = try MachinePair.ready()
    let stalled = try pair.request(["s"], .following)
    let other = try pair.request()
    try pair.exchange()
    pair.sharerEvents = []
    pair.openerEvents = []
    pair.now += .seconds(60)
    #expect(pair.sharer.tick(at: pair.now) == [])
    pair.now += .seconds(1)
    let reason = "The peer did not go on for too long."
    #expect(pair.sharer.tick(at: pair.now) == [.failed(stalled, PouchError(.timeout, reason))])
    try pair.exchange()
    #expect(pair.openerEvents == [.failed(stalled, CancelReason.stalled.error(""))])
    try pair.respond(to: other)
    try pair.exchange()
    #expect(pair.opener.read(other, at: pair.now) == .end)
  }

  @Test func `a body that goes on, however slowly, does not stall`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request(["s"], .following)
    try pair.exchange()
    for _ in 0..<10 {
      pair.now += .seconds(59)
      _ = pair.opener.write([1], to: number, at: pair.now)
      try pair.exchange()
      #expect(pair.sharer.read(number, at: pair.now) == .bytes([1]))
      #expect(pair.sharer.tick(at: pair.now) == [])
    }
  }

  @Test func `an answer that is not read for a minute ends`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    try pair.exchange()
    try pair.respond(to: number, .complete([UInt8](repeating: 1, count: 1 << 20)))
    try pair.exchange()
    for _ in 0..<60 {
      pair.now += .seconds(1)
      _ = pair.violation(of: frame(.ping, [0, 0, 0, 0, 0, 0, 0, 1]))
      while pair.sharer.nextMessage(at: pair.now) != nil {}
      #expect(pair.sharer.tick(at: pair.now) == [])
    }
    pair.now += .seconds(1)
    let reason = "The peer did not read for too long."
    #expect(pair.sharer.tick(at: pair.now) == [.failed(number, PouchError(.timeout, reason))])
    #expect(pair.sharer.streams[number]?.unsent == 0)
  }

  @Test func `a peer that does not answer for two minutes is not waited for`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    try pair.exchange()
    for _ in 0..<120 {
      pair.now += .seconds(1)
      #expect(pair.opener.tick(at: pair.now) == [])
      _ = pair.sharer.tick(at: pair.now)
      try pair.exchange()
    }
    pair.now += .seconds(1)
    let reason = "The peer did not answer in time."
    #expect(pair.opener.tick(at: pair.now) == [.failed(number, PouchError(.timeout, reason))])
  }

  @Test func `the round-trip time is measured by pings`() throws {
    var pair = MachinePair()
    try pair.carryFromOpener()
    try pair.carryFromSharer()
    // The opener's ping is on its way.
    let ping = try present(pair.opener.nextMessage(at: pair.now))
    pair.now += .milliseconds(30)
    _ = try pair.sharer.receive(ping.bytes, at: pair.now)
    let pong = try present(pair.sharer.nextMessage(at: pair.now))
    pair.now += .milliseconds(20)
    _ = try pair.opener.receive(pong.bytes, at: pair.now)
    #expect(pair.opener.roundTrip == .milliseconds(50))
  }
}
