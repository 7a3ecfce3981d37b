import CouchAPI
import HTTPTypes
import PouchCore
import TestSupport
import Testing

@testable import PeerTunnel

/// Bytes that no peer would send. Whatever comes, the machine goes on or ends the session with a reason, and holds no
/// more than its limits say.
struct FuzzTests {
  @Test(arguments: 0..<20)
  func `random bytes do nothing but end the session`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      var pair = try MachinePair.ready()
      _ = try pair.request()
      try pair.exchange()
      for _ in 0..<4 {
        _ = pair.violation(of: random.bytes(Int.random(in: 0...200, using: &random)))
        pair.checkBounds()
      }
    }
  }

  @Test(arguments: 0..<20)
  func `random frames do nothing but end the session`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      var pair = try MachinePair.ready()
      for _ in 0..<20 {
        let kind = FrameKind.allCases.randomElement(using: &random)!.rawValue
        let id = UInt32.random(in: 0...7, using: &random)
        let payload = random.bytes(Int.random(in: 0...40, using: &random))
        let flags = UInt8.random(in: 0...7, using: &random)
        if pair.violation(of: frame(kind, flags: flags, id: id, payload)) != nil { break }
        pair.work(&random)
        pair.checkBounds()
      }
    }
  }

  @Test(arguments: 0..<20)
  func `messages with changed, lost and doubled bytes do nothing but end the session`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var pair = try MachinePair.ready()
      for _ in 0..<10 {
        let body = random.bytes(Int.random(in: 0...2000, using: &random))
        guard !pair.opener.isEnding else { break }
        let number = try pair.request(["s", "\(random.next())"], .complete(body))
        if Bool.random(using: &random) { pair.opener.cancel(number, .notWanted, at: pair.now) }
        while let message = pair.opener.nextMessage(at: pair.now) {
          _ = pair.violation(of: mutated(message.bytes, &random))
          pair.work(&random)
          pair.checkBounds()
        }
      }
    }
  }

  @Test func `every beginning of a message is cut or whole, and nothing else`() throws {
    var pair = try MachinePair.ready()
    _ = try pair.request(["s"], .complete([1, 2, 3]))
    let message = try present(pair.opener.nextMessage(at: pair.now)).bytes
    let untouched = pair
    for count in 0..<message.count {
      var copy = untouched
      let violation = copy.violation(of: Array(message.prefix(count)))
      #expect([nil, .truncatedFrame, .badMessageLength].contains(violation))
    }
  }

  private func mutated(_ message: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = message
    guard !bytes.isEmpty else { return bytes }
    let index = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[index] = .random(in: .min ... .max, using: &random)
    case 2: bytes.removeSubrange(index...)
    case 3: bytes.remove(at: index)
    case 4: bytes.insert(contentsOf: bytes[index...], at: index)
    default: break
    }
    return bytes
  }
}

extension MachinePair {
  /// What a program does with the sharer's streams, whatever they are.
  mutating func work(_ random: inout SeededGenerator) {
    for event in sharerEvents {
      switch event {
      case .request(let number, _):
        _ = try? respond(to: number, .complete(random.bytes(10)))
      case .readable(let number): if Bool.random(using: &random) { _ = sharer.read(number, at: now) }
      case .opening(let number, _): sharer.answer(opening: number, refusal: Bool.random(using: &random) ? nil : "no")
      default: break
      }
    }
    sharerEvents = []
    if Bool.random(using: &random) { _ = sharer.nextMessage(at: now) }
  }

  func checkBounds() {
    let limits = sharer.limits
    #expect(sharer.peerLive >= 0 && sharer.peerLive <= limits.streams)
    #expect(sharer.receivingWindow.unread >= 0)
    #expect(sharer.receivingWindow.unread <= limits.longestConnectionCredit)
    let inboxes = sharer.streams.values.reduce(0) { $0 + $1.inbox.count }
    #expect(inboxes <= sharer.receivingWindow.unread)
    #expect(sharer.streams.values.allSatisfy { $0.partialHead.count <= limits.head })
    #expect(sharer.control.count <= 100)
  }
}
