import Foundation

/// A request of PROTOCOL.md, with the members of all of them.
struct Request: Decodable, Sendable {
  var id: Int
  var verb: String

  // The connection.
  var address: String?
  var trickle: Bool?
  /// In bytes of UDP's payload.
  var packetSize: Int?
  var congestion: String?
  /// In bytes.
  var window: Int?
  /// In seconds.
  var deadAfter: Double?
  var sdp: String?
  var candidate: String?
  var mid: String?
  var index: Int?

  // Channels.
  var label: String?
  var protocolName: String?
  var ordered: Bool?
  var maxRetransmits: UInt16?
  /// In milliseconds.
  var maxPacketLifeTime: UInt16?
  var negotiated: Bool?
  var number: UInt16?
  var text: String?
  var base64: String?
  var count: Int?
  var largest: Int?
  var bytes: Int?
  var seconds: Double?
  var size: Int?

  private enum CodingKeys: String, CodingKey {
    case id
    case verb = "do"
    case address, trickle, packetSize, congestion, window, deadAfter, sdp, candidate, mid, index
    case label
    case protocolName = "protocol"
    case ordered, maxRetransmits, maxPacketLifeTime, negotiated, number, text, base64, count, largest, bytes, seconds
    case size
  }

  /// Reads a line; `nil` if it is none, which is told.
  init?(_ line: String) {
    do {
      self = try JSONDecoder().decode(Request.self, from: Data(line.utf8))
    } catch {
      complain("This is not a request: \(line) (\(error))")
      return nil
    }
  }

  /// A member that this request must have.
  func required<Value>(_ member: KeyPath<Request, Value?>, _ name: String) throws -> Value {
    guard let value = self[keyPath: member] else { throw Refusal(description: "\(verb) needs \(name)") }
    return value
  }

  /// A number of messages or bytes that this request must have.
  func amount(_ member: KeyPath<Request, Int?>, _ name: String, atLeast least: Int = 1) throws -> Int {
    let value = try required(member, name)
    guard value >= least else { throw Refusal(description: "\(name) must be \(least) or more") }
    return value
  }
}
