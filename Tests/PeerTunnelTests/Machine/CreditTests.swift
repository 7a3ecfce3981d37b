import CouchAPI
import PouchCore
import Testing

@testable import PeerTunnel

struct CreditTests {
  @Test func `no more is sent than the reader gave credit for`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    try pair.exchange()
    try pair.respond(to: number, .complete([UInt8](repeating: 1, count: 1 << 20)))
    try pair.exchange()
    let first = try present(pair.bytes(of: number))
    #expect(first.count == TunnelLimits().streamCredit)
    try pair.exchange()
    #expect(pair.opener.streams[number]?.inbox.count == TunnelLimits().streamCredit)
  }

  @Test func `all streams together have no more than the connection's credit`() throws {
    var limits = TunnelLimits()
    limits.connectionCredit = 100_000
    limits.longestConnectionCredit = 100_000
    var pair = try MachinePair.ready(limits)
    for _ in 0..<10 {
      let number = try pair.request()
      try pair.exchange()
      try pair.respond(to: number, .complete([UInt8](repeating: 1, count: 50_000)))
    }
    try pair.exchange()
    #expect(pair.opener.streams.values.reduce(0) { $0 + $1.inbox.count } == 100_000)
  }

  @Test func `data beyond the credit ends the session`() throws {
    var limits = TunnelLimits()
    limits.streamCredit = 20_000
    limits.connectionCredit = 30_000
    let head = try plainHead(length: nil)
    let part = [UInt8](repeating: 0, count: 10_000)
    var pair = try MachinePair.ready(limits)
    #expect(pair.violation(of: frame(.request, id: 1, head) + frame(.data, id: 1, part + [])) == nil)
    #expect(pair.violation(of: frame(.data, id: 1, part)) == nil)
    #expect(pair.violation(of: frame(.data, id: 1, [0])) == .creditExceeded)
    var other = try MachinePair.ready(limits)
    for number: StreamNumber in [1, 3, 5] {
      #expect(other.violation(of: frame(.request, id: number, head) + frame(.data, id: number, part)) == nil)
    }
    #expect(other.violation(of: frame(.data, id: 5, [0])) == .creditExceeded)
  }

  @Test func `data of streams that are no more is given credit for`() throws {
    var limits = TunnelLimits()
    limits.connectionCredit = 100_000
    limits.longestConnectionCredit = 100_000
    var pair = try MachinePair.ready(limits)
    for _ in 0..<20 {
      let number = try pair.request()
      try pair.exchange()
      try pair.respond(to: number, .complete([UInt8](repeating: 1, count: 50_000)))
      // The answer is on its way when it is cancelled.
      let message = try present(pair.sharer.nextMessage(at: pair.now))
      pair.opener.cancel(number, .notWanted, at: pair.now)
      while let cancel = pair.opener.nextMessage(at: pair.now) {
        _ = try pair.sharer.receive(cancel.bytes, at: pair.now)
      }
      _ = try pair.opener.receive(message.bytes, at: pair.now)
      try pair.exchange()
      pair.now += .seconds(1)
    }
    #expect(pair.opener.receivingWindow.unread == 0)
    let number = try pair.request()
    try pair.exchange()
    try pair.respond(to: number, .complete([2]))
    try pair.exchange()
    #expect(pair.bytes(of: number) == [2])
  }

  @Test(arguments: [(1, 256), (100, 4096)])
  func `credit grows with the path, up to 4 MiB`(milliseconds: Int, kibibytes: Int) throws {
    var pair = try MachinePair.ready()
    pair.opener.roundTrip = .milliseconds(milliseconds)
    let number = try pair.request()
    try pair.exchange()
    try pair.respond(to: number, .following)
    var read = 0
    while read < 100 << 20 {
      // A path of 20 MB/s: a window of 256 KiB takes 13 ms.
      let count = 64 << 10
      _ = pair.sharer.write([UInt8](repeating: 1, count: count), to: number, at: pair.now)
      try pair.exchange()
      read += pair.bytes(of: number)?.count ?? 0
      pair.now += .microseconds(3277)
    }
    #expect(pair.opener.streams[number]?.receivingWindow.size == kibibytes << 10)
    #expect(pair.opener.receivingWindow.size <= 16 << 20)
  }

  @Test func `an answer begins with more credit if another one came to need it, and a request does not`() throws {
    var pair = try MachinePair.ready()
    pair.opener.roundTrip = .milliseconds(100)
    pair.sharer.roundTrip = .milliseconds(100)
    let wide = try pair.request(["s"], .following)
    try pair.exchange()
    try pair.respond(to: wide, .following)
    for _ in 0..<1000 {
      let piece = [UInt8](repeating: 1, count: 64 << 10)
      _ = pair.sharer.write(piece, to: wide, at: pair.now)
      _ = pair.opener.write(piece, to: wide, at: pair.now)
      try pair.exchange()
      _ = pair.bytes(of: wide)
      while case .bytes = pair.sharer.read(wide, at: pair.now) {}
      pair.now += .milliseconds(1)
    }
    try pair.exchange()
    let large = [UInt8](repeating: 2, count: 10 << 20)
    let room = pair.opener.receivingWindow.limit - pair.opener.receivingWindow.received
    let next = try pair.request(["s"], .complete(large))
    try pair.exchange()
    try pair.respond(to: next, .complete(large))
    try pair.exchange()
    #expect(pair.sharer.streams[next]?.inbox.count == TunnelLimits().streamCredit)
    let credits = try (0..<15).map { _ in
      let number = try pair.request()
      try pair.exchange()
      try pair.respond(to: number, .complete(large))
      try pair.exchange()
      return pair.opener.streams[number]?.inbox.count ?? 0
    }
    // The less room the connection has, the less each is given: those that nobody reads leave room for others.
    #expect(room / 8 > 1 << 20)
    #expect(pair.opener.streams[next]?.inbox.count == min(TunnelLimits().firstStreamCredit, room / 8))
    #expect(credits == credits.sorted(by: >) && credits.last == TunnelLimits().streamCredit, "\(credits)")
  }

  @Test func `a reader that does not read is given nothing more`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    try pair.exchange()
    try pair.respond(to: number, .complete([UInt8](repeating: 1, count: 10 << 20)))
    try pair.exchange()
    #expect(pair.sharer.streams[number]?.sendingWindow.room == 0)
    #expect(pair.sharer.nextMessage(at: pair.now) == nil)
  }

  @Test func `credit below what was given means nothing`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    try pair.exchange()
    let lower = frame(.credit, id: number, [0, 0, 0, 0, 0, 0, 0, 1]) + frame(.credit, [0, 0, 0, 0, 0, 0, 0, 1])
    #expect(pair.violation(of: lower) == nil)
    #expect(pair.sharer.streams[number]?.sendingWindow.room == TunnelLimits().streamCredit)
    let highest = frame(.credit, id: number, [UInt8](repeating: 0xFF, count: 8))
    #expect(pair.violation(of: highest) == nil)
    #expect(pair.sharer.streams[number]?.sendingWindow.limit == 1 << 62)
  }

  @Test func `streams take turns, and small answers go before the rest of a large one`() throws {
    var pair = try MachinePair.ready()
    let large = try pair.request()
    let small = try (0..<3).map { _ in try pair.request() }
    try pair.exchange()
    try pair.respond(to: large, .complete([UInt8](repeating: 1, count: 200_000)))
    for number in small { try pair.respond(to: number, .complete([2])) }
    try pair.carryFromSharer()
    for number in small {
      #expect(pair.opener.read(number, at: pair.now) == .bytes([2]))
      #expect(pair.opener.read(number, at: pair.now) == .end)
    }
    #expect(pair.opener.streams[large]?.receiving == .body)
  }

  @Test func `control frames go before bodies`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    try pair.exchange()
    try pair.respond(to: number, .complete([UInt8](repeating: 1, count: 200_000)))
    _ = pair.violation(of: frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8]))
    let message = try present(pair.sharer.nextMessage(at: pair.now))
    var reader = FrameReader(message.bytes[...])
    #expect(try reader.next()?.kind == .pong)
    #expect(try reader.next()?.kind == .response)
    #expect(message.bytes.count <= TunnelLimits().message)
  }

  @Test func `messages are no longer than the other side takes`() throws {
    var small = TunnelLimits()
    small.message = TunnelLimits.frame
    var pair = try MachinePair.ready(TunnelLimits(), sharer: small)
    _ = try pair.request(["s"], .complete([UInt8](repeating: 1, count: 100_000)))
    while let message = pair.opener.nextMessage(at: pair.now) {
      #expect(message.bytes.count <= TunnelLimits.frame)
    }
  }
}

extension MachinePair {
  /// All that the opener can read of a stream now.
  mutating func bytes(of number: StreamNumber) -> [UInt8]? {
    if case .bytes(let bytes) = opener.read(number, at: now) { bytes } else { nil }
  }
}
