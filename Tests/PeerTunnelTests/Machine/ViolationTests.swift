import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PeerTunnel

struct ViolationTests {
  @Test func `a frame before the hello ends the session`() throws {
    var pair = MachinePair()
    #expect(pair.violation(of: frame(.ping, [0, 0, 0, 0, 0, 0, 0, 1])) == .helloExpected)
  }

  @Test func `a wrong proof ends the session, and is told`() throws {
    var pair = MachinePair(proof: [6, 6, 6])
    let message = try present(pair.opener.nextMessage(at: pair.now))
    #expect(pair.violation(of: message.bytes) == .wrongProof)
    try pair.carryFromSharer()
    #expect(pair.openerEvents.last == .ended(.remote(.wrongProof, "wrongProof")))
  }

  @Test func `another version is not spoken`() throws {
    var pair = MachinePair()
    let hello = Hello(TunnelLimits(), proof: [1, 2, 3])
    var payload = hello.payload
    payload[3] = 2
    #expect(pair.violation(of: frame(.hello, payload)) == .unsupportedVersion)
    var other = MachinePair()
    payload[0] = 0x48
    #expect(other.violation(of: frame(.hello, payload)) == .unsupportedVersion)
  }

  @Test func `a second hello ends the session`() throws {
    var pair = try MachinePair.ready()
    #expect(pair.violation(of: frame(.hello, Hello(TunnelLimits(), proof: [1, 2, 3]).payload)) == .secondHello)
  }

  @Test func `messages without frames, cut frames and long frames end the session`() throws {
    let cases: [([UInt8], ProtocolViolation)] = [
      ([], .badMessageLength),
      ([UInt8](repeating: 0x7F, count: TunnelLimits().message + 1), .badMessageLength),
      (Array(frame(.ping, [0, 0, 0, 0, 0, 0, 0, 1]).dropLast()), .truncatedFrame),
      ([0x20, 0, 0], .truncatedFrame),
      (frame(0x7F, [UInt8](repeating: 0, count: Frame.longestPayload + 1)), .frameTooLong),
      (frame(.ping, [1]), .malformedFrame),
      (frame(.goodbye, [0]), .malformedFrame),
      (frame(.credit, [1, 2, 3]), .malformedFrame),
      (frame(.credit, [0, 0, 0, 0, 0, 0, 0, 1, 0]), .malformedFrame),
      (frame(.pong, [0, 0, 0, 0, 0, 0, 0, 1, 0]), .malformedFrame),
      (frame(.open, id: 1, [1, 0x73, 0, 0, 0]), .malformedFrame),
      (frame(.request, id: 1, [0, 0]), .malformedFrame),
      (frame(.open, id: 1, [9, 1]), .malformedFrame),
    ]
    for (message, expected) in cases {
      var pair = try MachinePair.ready()
      #expect(pair.violation(of: message) == expected)
      // Nothing is taken any more, and the goodbye says why.
      #expect(pair.violation(of: frame(.request, id: 1, try plainHead())) == nil)
      #expect(pair.sharerEvents.isEmpty)
      try pair.carryFromSharer()
      #expect(pair.openerEvents == [.ended(.remote(.violation, "\(expected)"))])
    }
  }

  @Test func `streams that were never opened, or are numbered wrongly, end the session`() throws {
    let data = frame(.data, id: 5, [1])
    let cases: [([UInt8], ProtocolViolation)] = [
      (data, .unknownStream),
      (frame(.data, id: 2, [1]), .unknownStream),
      (frame(.data, id: 0, [1]), .unknownStream),
      (frame(.cancel, id: 7, [0, 0]), .unknownStream),
      (frame(.credit, id: 7, [0, 0, 0, 0, 0, 0, 0, 9]), .unknownStream),
      (frame(.response, id: 2, [0, 200] + [UInt8](repeating: 0, count: 9)), .unknownStream),
      (frame(.request, id: 2, try plainHead()), .wrongStreamNumber),
      (frame(.request, id: 0, try plainHead()), .wrongStreamNumber),
      (frame(.open, id: 0, [1, 0x73, 0, 0]), .wrongStreamNumber),
    ]
    for (message, expected) in cases {
      var pair = try MachinePair.ready()
      #expect(pair.violation(of: message) == expected)
    }
  }

  @Test func `frames out of their order end the session`() throws {
    let head = try plainHead(length: nil)
    let cases: [[UInt8]] = [
      frame(.request, id: 1, head) + frame(.request, id: 1, head),
      frame(.request, flags: .end, id: 1, head) + frame(.data, id: 1, [1]),
      frame(.request, flags: .more, id: 1, head) + frame(.data, id: 1, [1]),
    ]
    for message in cases {
      var pair = try MachinePair.ready()
      #expect(pair.violation(of: message) == .unexpectedFrame)
    }
  }

  @Test func `a body longer or shorter than its head says ends the session`() throws {
    let head = try plainHead(length: 3)
    for body in [frame(.data, id: 1, [1, 2, 3, 4]), frame(.data, flags: .end, id: 1, [1, 2])] {
      var pair = try MachinePair.ready()
      #expect(pair.violation(of: frame(.request, id: 1, head) + body) == .wrongBodyLength)
    }
    var pair = try MachinePair.ready()
    #expect(pair.violation(of: frame(.request, flags: .end, id: 1, head)) == .wrongBodyLength)
  }

  @Test func `heads with bad methods, targets, headers or statuses are malformed`() throws {
    var good = try plainHead(headers: [.accept: "a"])
    let method = try #require(good.firstIndex(of: 0x47))
    good[method] = 0x20
    var pair = try MachinePair.ready()
    #expect(pair.violation(of: frame(.request, id: 1, good)) == .malformedFrame)
    var newline = try plainHead(headers: [.accept: "a"])
    newline[newline.count - 1] = 0x0A
    var other = try MachinePair.ready()
    #expect(other.violation(of: frame(.request, id: 1, newline)) == .malformedFrame)
    var long = try MachinePair.ready()
    #expect(long.violation(of: frame(.request, id: 1, try plainHead() + [0])) == .malformedFrame)
    var answered = try MachinePair.ready()
    let number = try answered.request()
    try answered.exchange()
    let status = frame(.response, id: number, [0, 99] + [UInt8](repeating: 0, count: 9))
    #expect(throws: ProtocolViolation.malformedFrame) { try answered.opener.receive(status, at: answered.now) }
  }

  @Test func `a share that was never opened cannot be asked`() throws {
    var pair = try MachinePair.ready()
    var head = RequestHead(share: 3, Request(.get, ["s"]))
    head.length = 0
    let message = frame(.request, id: 1, try head.payload(TunnelLimits()))
    #expect(pair.violation(of: message) == .unknownStream)
  }
}
