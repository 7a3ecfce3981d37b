import CouchAPI
import Foundation
import HTTPTypes
import PouchCore
import Testing

@testable import PeerTunnel

/// The example of `docs/wire-protocol.md`: its bytes are what two machines send.
struct WorkedExampleTests {
  private static let openersProof = [UInt8](0x00..<0x20)
  private static let sharersProof = [UInt8](0xA0..<0xC0)

  @Test func `the documented example is what is sent`() throws {
    let documented = try Self.documentedMessages()
    let sent = try Self.example()
    for (index, message) in sent.enumerated() {
      let name = "message \(index + 1), \(message.side)"
      guard documented.indices.contains(index) else {
        Issue.record("\(name) is not documented: \(Self.hex(message.bytes))")
        continue
      }
      #expect(documented[index].side == message.side, "\(name)")
      #expect(documented[index].bytes == message.bytes, "\(name): \(Self.hex(message.bytes))")
    }
    #expect(documented.count == sent.count)
  }

  private struct Message {
    let side: String
    let bytes: [UInt8]
  }

  /// What the example's two sides send, in order.
  private static func example() throws -> [Message] {
    let now = ContinuousClock.now
    var opener = TunnelMachine(.opener, hello: openersProof, verify: { $0 == sharersProof }, at: now)
    var sharer = TunnelMachine(.sharer, hello: sharersProof, verify: { $0 == openersProof }, at: now)
    var messages: [Message] = []
    func openerSends() throws {
      let message = try present(opener.nextMessage(at: now)).bytes
      messages.append(Message(side: "opener", bytes: message))
      _ = try sharer.receive(message, at: now)
    }
    func sharerSends() throws {
      let message = try present(sharer.nextMessage(at: now)).bytes
      messages.append(Message(side: "sharer", bytes: message))
      _ = try opener.receive(message, at: now)
    }
    try openerSends()
    try sharerSends()
    // A document is read.
    let read = try Request(.get, target: "/share-1/n%201?revs=true", headers: [.accept: "application/json"])
    let first = try opener.request(RequestHead(share: 0, read), body: .complete([]), at: now)
    try openerSends()
    let document = Response(
      .ok, headers: [.contentType: "application/json", .eTag: "\"1-a\""],
      body: .bytes(Array("{\"_id\":\"n 1\",\"_rev\":\"1-a\"}\n".utf8)))
    guard case .bytes(let bytes) = document.body else { return [] }
    _ = try sharer.respond(to: first, ResponseHead(document), body: .complete(bytes), at: now)
    try sharerSends()
    // Another share is opened.
    _ = opener.open(ShareOpening(share: "share-2", ticket: [UInt8](0x10..<0x20), proof: openersProof))
    try openerSends()
    sharer.answer(opening: 1, refusal: nil)
    try sharerSends()
    // A live feed of it begins, and is given up.
    let feed = try Request(.get, target: "/share-2/_changes?feed=continuous")
    let second = try opener.request(RequestHead(share: 1, feed), body: .complete([]), at: now)
    try openerSends()
    var live = ResponseHead(Response(.ok, headers: [.contentType: "application/json"]))
    live.length = nil
    _ = try sharer.respond(to: second, live, body: .following, at: now)
    _ = sharer.write([0x0A], to: second, at: now)
    try sharerSends()
    opener.cancel(second, .notWanted, at: now)
    try openerSends()
    sharer.leave(.notShared, "closed")
    try sharerSends()
    return messages
  }

  /// The blocks of the document that are marked `hex`: bytes, with remarks behind semicolons.
  private static func documentedMessages() throws -> [Message] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "docs/wire-protocol.md"), encoding: .utf8)
    var messages: [Message] = []
    var side: String?
    var bytes: [UInt8] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```hex ") {
        side = String(line.dropFirst(7))
        bytes = []
      } else if line.hasPrefix("```"), let name = side {
        messages.append(Message(side: name, bytes: bytes))
        side = nil
      } else if side != nil {
        let digits = line.prefix { $0 != ";" }.split(separator: " ")
        bytes += try digits.map { try #require(UInt8($0, radix: 16)) }
      }
    }
    return messages
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }
}
