import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PeerTunnel

struct ExchangeTests {
  @Test func `hellos make both sides ready`() throws {
    var pair = MachinePair()
    try pair.exchange()
    #expect(pair.openerEvents == [.ready])
    #expect(pair.sharerEvents == [.ready])
    #expect(pair.opener.roundTrip == .zero)
  }

  @Test func `nothing but the hello is sent before the other side has proved who it is`() throws {
    var pair = MachinePair()
    _ = try pair.request()
    let message = try present(pair.opener.nextMessage(at: pair.now))
    var reader = FrameReader(message.bytes[...])
    #expect(try reader.next()?.kind == .hello)
    #expect(try reader.next() == nil)
    #expect(pair.opener.nextMessage(at: pair.now) == nil)
  }

  @Test func `a request and its response cross`() throws {
    var pair = try MachinePair.ready()
    let body = Array("{}".utf8)
    let number = try pair.request(["s", "a"], .complete(body))
    try pair.exchange()
    let head = RequestHead(share: 0, Request(.get, ["s", "a"], body: .bytes(body)))
    #expect(pair.sharerEvents == [.request(number, head), .readable(number)])
    #expect(pair.sharer.read(number, at: pair.now) == .bytes(body))
    #expect(pair.sharer.read(number, at: pair.now) == .end)
    try pair.respond(to: number, .complete([1, 2, 3]))
    try pair.exchange()
    #expect(pair.openerEvents.last == .readable(number))
    #expect(pair.opener.read(number, at: pair.now) == .bytes([1, 2, 3]))
    #expect(pair.opener.read(number, at: pair.now) == .end)
    #expect(pair.opener.streams.isEmpty && pair.sharer.streams.isEmpty)
    #expect(pair.opener.ownLive == 0 && pair.sharer.peerLive == 0)
  }

  @Test func `a head longer than a frame crosses in several`() throws {
    var pair = try MachinePair.ready()
    var request = Request(.get, ["s"])
    request.headers[.userAgent] = String(repeating: "u", count: 15_000)
    request.headers[.accept] = String(repeating: "a", count: 16_000)
    let head = RequestHead(share: 0, request)
    let number = try pair.opener.request(head, body: .complete([]), at: pair.now)
    try pair.exchange()
    #expect(pair.sharerEvents.first == .request(number, head))
  }

  @Test func `both sides request over one connection, on numbers of their own`() throws {
    var pair = try MachinePair.ready()
    let share = try present(pair.sharer.open(ShareOpening(share: "share-2", ticket: [7], proof: [8, 9])))
    try pair.exchange()
    #expect(pair.openerEvents == [.opening(share, ShareOpening(share: "share-2", ticket: [7], proof: [8, 9]))])
    pair.opener.answer(opening: share, refusal: nil)
    try pair.exchange()
    #expect(pair.sharerEvents == [.opened(share, refusal: nil)])
    let mine = try pair.request()
    let theirs = try pair.sharer.request(
      RequestHead(share: share, Request(.get, ["share-2"])), body: .complete([]), at: pair.now)
    #expect(mine % 2 == 1 && theirs % 2 == 0)
    try pair.exchange()
    #expect(pair.openerEvents.contains(.request(theirs, RequestHead(share: share, Request(.get, ["share-2"])))))
  }

  @Test func `a refused share cannot be used`() throws {
    var pair = try MachinePair.ready()
    let share = try present(pair.opener.open(ShareOpening(share: "share-2")))
    try pair.exchange()
    pair.sharer.answer(opening: share, refusal: "no")
    try pair.exchange()
    #expect(pair.openerEvents == [.opened(share, refusal: "no")])
    let head = RequestHead(share: share, Request(.get, ["share-2"]))
    #expect(throws: PouchError.self) { try pair.opener.request(head, body: .complete([]), at: pair.now) }
  }

  @Test func `a withdrawn share ends its requests and no others`() throws {
    var pair = try MachinePair.ready()
    let share = try present(pair.opener.open(ShareOpening(share: "share-2")))
    try pair.exchange()
    pair.sharer.answer(opening: share, refusal: nil)
    try pair.exchange()
    let first = try pair.request()
    let second = try pair.opener.request(
      RequestHead(share: share, Request(.get, ["share-2"])), body: .complete([]), at: pair.now)
    try pair.exchange()
    pair.openerEvents = []
    #expect(pair.sharer.withdrawShare(share, "over", at: pair.now) == [second])
    try pair.exchange()
    #expect(pair.openerEvents.contains(.shareWithdrawn(share, "over")))
    #expect(pair.openerEvents.contains(.failed(second, PouchError(.badResponse, "over"))))
    try pair.respond(to: first)
    try pair.exchange()
    #expect(pair.opener.read(first, at: pair.now) == .end)
  }

  @Test func `a request to a share that was withdrawn meanwhile may be sent again`() throws {
    var pair = try MachinePair.ready()
    let number = try pair.request()
    _ = pair.sharer.withdrawShare(0, "over", at: pair.now)
    try pair.exchange()
    let failed = pair.openerEvents.contains { event in
      if case .failed(number, let error) = event { error.code == .unreachable } else { false }
    }
    #expect(failed)
  }

  @Test func `unknown frames and flags are skipped`() throws {
    var pair = try MachinePair.ready()
    let message =
      frame(0x7F, id: 99, [1, 2, 3]) + frame(0x10, flags: 0xF1, id: 1, try plainHead()) + frame(0xFF, [])
    #expect(pair.violation(of: message) == nil)
    #expect(pair.sharerEvents.count == 2)
  }

  @Test func `a goodbye tells which requests were not looked at`() throws {
    var pair = try MachinePair.ready()
    let seen = try pair.request()
    try pair.exchange()
    let unseen = try pair.request()
    _ = pair.opener.nextMessage(at: pair.now)
    pair.openerEvents = []
    pair.sharer.leave(.notShared, "closing")
    try pair.exchange()
    let reason = "closing"
    #expect(
      pair.openerEvents == [
        .failed(seen, PouchError(.badResponse, reason)), .failed(unseen, PouchError(.unreachable, reason)),
        .ended(.remote(.notShared, "closing")),
      ])
    #expect(pair.opener.nextMessage(at: pair.now) == nil)
  }
}
