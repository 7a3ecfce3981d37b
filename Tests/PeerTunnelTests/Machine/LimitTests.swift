import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PeerTunnel

/// Each bound of ``TunnelLimits``, just kept and just passed.
struct LimitTests {
  @Test func `256 streams are taken, and one more ends the session`() throws {
    var pair = try MachinePair.ready()
    let head = try plainHead()
    for number in 0..<256 {
      #expect(pair.violation(of: frame(.request, id: StreamNumber(2 * number + 1), head)) == nil)
    }
    #expect(pair.violation(of: frame(.request, id: 513, head)) == .tooManyStreams)
  }

  @Test func `more requests than the peer allows wait for their turn`() throws {
    var limits = TunnelLimits()
    limits.streams = 2
    var pair = try MachinePair.ready(limits)
    let numbers = try (0..<5).map { _ in try pair.request() }
    try pair.exchange()
    #expect(pair.sharer.peerLive == 2)
    for number in numbers {
      try pair.respond(to: number)
      try pair.exchange()
      #expect(pair.sharer.peerLive <= 2)
    }
    for number in numbers { #expect(pair.opener.read(number, at: pair.now) == .end) }
  }

  @Test func `a hundred cancels a second are taken, and one more ends the session`() throws {
    var pair = try MachinePair.ready()
    let head = try plainHead(length: nil)
    func openAndCancel(_ index: Int) -> [UInt8] {
      let number = StreamNumber(2 * index + 1)
      return frame(.request, id: number, head) + frame(.cancel, id: number, [0, 0])
    }
    for index in 0..<100 { #expect(pair.violation(of: openAndCancel(index)) == nil) }
    pair.now += .seconds(1)
    for index in 100..<200 { #expect(pair.violation(of: openAndCancel(index)) == nil) }
    #expect(pair.violation(of: openAndCancel(200)) == .tooOften)
  }

  @Test func `cancels are sent no faster than they are taken`() throws {
    var pair = try MachinePair.ready()
    let numbers = try (0..<200).map { _ in try pair.request() }
    try pair.exchange()
    for number in numbers { pair.opener.cancel(number, .notWanted, at: pair.now) }
    var seconds = 0
    while pair.sharer.peerLive > 0, seconds < 20 {
      try pair.exchange()
      pair.now += .seconds(1)
      seconds += 1
    }
    #expect(pair.sharer.peerLive == 0)
    #expect(seconds == 5)
    #expect(pair.opener.streams.isEmpty)
  }

  @Test func `a request that was not sent is cancelled without a frame`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    pair.opener.cancel(number, .notWanted, at: pair.now)
    #expect(pair.opener.nextMessage(at: pair.now) == nil)
    #expect(pair.opener.streams.isEmpty)
  }

  @Test func `64 headers are taken, and one more ends the session`() throws {
    func head(_ count: Int) throws -> [UInt8] {
      var headers = HTTPFields()
      for index in 0..<min(count, 64) { headers.append(HTTPField(name: .init("x-\(index)")!, value: "1")) }
      var bytes = try plainHead(headers: headers)
      guard count > 64 else { return bytes }
      // The number of headers stands before them; another one is put behind.
      let mark = try #require(bytes.firstIndex(of: 64))
      bytes[mark] = 65
      return bytes + [1, 0x78, 0, 1, 0x31]
    }
    var pair = try MachinePair.ready()
    #expect(pair.violation(of: frame(.request, id: 1, try head(64))) == nil)
    #expect(pair.violation(of: frame(.request, id: 3, try head(65))) == .headTooLarge)
  }

  @Test func `endless headers end the session at 32 KiB`() throws {
    var pair = try MachinePair.ready()
    let part = [UInt8](repeating: 0, count: 16_000)
    #expect(pair.violation(of: frame(.request, flags: .more, id: 1, part)) == nil)
    #expect(pair.violation(of: frame(.request, flags: .more, id: 1, part)) == nil)
    #expect(pair.violation(of: frame(.request, flags: .more, id: 1, part)) == .headTooLarge)
  }

  @Test func `a path of 4 KiB is taken, and a longer one ends the session`() throws {
    let path = "/" + String(repeating: "a", count: 4095)
    var pair = try MachinePair.ready()
    #expect(pair.violation(of: frame(.request, id: 1, try plainHead(path: path + "?q=" + path))) == nil)
    var limits = TunnelLimits()
    limits.path = 4097
    var long = RequestHead(share: 0, try Request(.get, target: path + "a"))
    long.length = 0
    #expect(pair.violation(of: frame(.request, id: 3, try long.payload(limits))) == .headTooLarge)
  }

  @Test func `a request that a peer would not take is not sent`() throws {
    var pair = try MachinePair.ready()
    let path = RequestHead(share: 0, Request(.get, [String(repeating: "a", count: 5000)]))
    var headers = Request(.get, ["s"])
    headers.headers[.accept] = String(repeating: "a", count: 40_000)
    for head in [path, RequestHead(share: 0, headers)] {
      #expect(throws: PouchError(.badRequest, pair.reason(of: head))) {
        try pair.opener.request(head, body: .complete([]), at: pair.now)
      }
    }
    #expect(pair.opener.streams.isEmpty)
  }

  @Test func `20 openings a second are taken, and one more ends the session`() throws {
    var pair = try MachinePair.ready()
    for number in 1...20 {
      #expect(pair.violation(of: frame(.open, id: UInt32(number), [1, 0x73, 0, 0])) == nil)
    }
    #expect(pair.violation(of: frame(.open, id: 21, [1, 0x73, 0, 0])) == .tooOften)
  }

  @Test func `more openings than a second allows wait, and what is given up meanwhile is not sent`() throws {
    var pair = try MachinePair.ready()
    let numbers = (1...40).compactMap { pair.opener.open(ShareOpening(share: "s\($0)")) }
    try pair.exchange()
    #expect(pair.sharerEvents.count == 8)
    pair.opener.leaveShare(numbers[39])
    for _ in 1...4 {
      pair.now += .seconds(1)
      try pair.exchange()
    }
    let opened = pair.sharerEvents.map { event -> ShareNumber? in
      if case .opening(let number, _) = event { number } else { nil }
    }
    #expect(opened == numbers.dropLast().map(Optional.some))
    #expect(!pair.opener.isEnding)
  }

  @Test func `64 shares more are taken, and another one is refused`() throws {
    var pair = try MachinePair.ready()
    for number in 1...65 {
      pair.now += .seconds(1)
      _ = pair.opener.open(ShareOpening(share: "s\(number)"))
      try pair.exchange()
    }
    #expect(pair.sharerEvents.count == 64)
    #expect(pair.openerEvents == [.opened(65, refusal: "Too many shares are open.")])
  }

  @Test func `ids and proofs that are too long are malformed`() throws {
    let long = [UInt8](repeating: 0x61, count: 129)
    var pair = try MachinePair.ready()
    #expect(pair.violation(of: frame(.open, id: 1, [129] + long + [0, 0])) == .malformedFrame)
    var other = MachinePair()
    var hello = Hello(TunnelLimits(), proof: [])
    hello.proof = [UInt8](repeating: 1, count: 65)
    #expect(other.violation(of: frame(.hello, hello.payload)) == .malformedFrame)
  }

  @Test func `all numbers of streams used up end the session`() throws {
    var pair = try MachinePair.ready()
    pair.opener.nextNumber = UInt64(UInt32.max)
    let last = try pair.request()
    #expect(last == .max)
    #expect(throws: PouchError.self) { try pair.request() }
    try pair.exchange()
    #expect(pair.sharerEvents.contains(.ended(.remote(.numbersUsedUp, ""))))
  }

  @Test func `reasons are cut at 256 bytes`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    try pair.exchange()
    pair.openerEvents = []
    pair.sharer.cancel(number, .failed, String(repeating: "r", count: 1000), at: pair.now)
    try pair.exchange()
    let reason = String(repeating: "r", count: 256)
    #expect(pair.openerEvents == [.failed(number, PouchError(.badResponse, reason))])
  }
}

extension MachinePair {
  fileprivate func reason(of head: RequestHead) -> String {
    head.target.utf8.count > 4096
      ? "The request's path is too long for a peer." : "The headers are too long for a peer."
  }
}
