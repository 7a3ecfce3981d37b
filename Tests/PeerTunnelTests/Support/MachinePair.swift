import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PeerTunnel

/// Two machines whose messages are carried by hand, in time that stands still unless it is moved.
struct MachinePair {
  var opener: TunnelMachine
  var sharer: TunnelMachine
  var now = ContinuousClock.now
  /// What each of them was told.
  var openerEvents: [TunnelEvent] = []
  var sharerEvents: [TunnelEvent] = []

  init(
    _ limits: TunnelLimits = TunnelLimits(), sharer sharersLimits: TunnelLimits? = nil, proof: [UInt8] = [1, 2, 3]
  ) {
    opener = TunnelMachine(.opener, hello: proof, verify: { $0 == [1, 2, 3] }, limits: limits, at: now)
    sharer = TunnelMachine(
      .sharer, hello: [1, 2, 3], verify: { $0 == [1, 2, 3] }, limits: sharersLimits ?? limits, at: now)
  }

  /// Two machines that have exchanged their hellos and pings.
  static func ready(_ limits: TunnelLimits = TunnelLimits(), sharer: TunnelLimits? = nil) throws -> MachinePair {
    var pair = MachinePair(limits, sharer: sharer)
    try pair.exchange()
    pair.openerEvents = []
    pair.sharerEvents = []
    return pair
  }

  /// Carries messages until neither side has any.
  mutating func exchange() throws {
    while try carryFromOpener() || carryFromSharer() {}
  }

  /// Carries a message of the opener, if it has one.
  @discardableResult
  mutating func carryFromOpener() throws -> Bool {
    guard let message = opener.nextMessage(at: now) else { return false }
    sharerEvents += try sharer.receive(message.bytes, at: now)
    return true
  }

  /// Carries a message of the sharer, if it has one.
  @discardableResult
  mutating func carryFromSharer() throws -> Bool {
    guard let message = sharer.nextMessage(at: now) else { return false }
    openerEvents += try opener.receive(message.bytes, at: now)
    return true
  }

  /// Has the opener send a request.
  mutating func request(
    _ path: [String] = ["s"], _ body: OutgoingBytes = .complete([]), length: Int64? = nil
  ) throws -> StreamNumber {
    var head = RequestHead(share: 0, Request(.get, path))
    if case .complete(let bytes) = body { head.length = Int64(bytes.count) } else { head.length = length }
    return try opener.request(head, body: body, at: now)
  }

  /// Has the sharer answer.
  @discardableResult
  mutating func respond(
    to number: StreamNumber, _ body: OutgoingBytes = .complete([]), length: Int64? = nil
  ) throws -> Bool {
    var head = ResponseHead(Response(.ok))
    if case .complete(let bytes) = body { head.length = Int64(bytes.count) } else { head.length = length }
    return try sharer.respond(to: number, head, body: body, at: now)
  }

  /// What a raw message of the opener does to the sharer: the violation, if it is one.
  mutating func violation(of message: [UInt8]) -> ProtocolViolation? {
    do throws(ProtocolViolation) {
      sharerEvents += try sharer.receive(message, at: now)
      return nil
    } catch {
      return error
    }
  }
}

/// A frame by hand.
func frame(
  _ kind: UInt8, flags: UInt8 = 0, id: UInt32 = 0, _ payload: [UInt8] = [], length: Int? = nil
) -> [UInt8] {
  var bytes: [UInt8] = [kind, flags]
  bytes.appendInteger(UInt16(length ?? payload.count))
  bytes.appendInteger(id)
  return bytes + payload
}

func frame(_ kind: FrameKind, flags: FrameFlags = [], id: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
  frame(kind.rawValue, flags: flags.rawValue, id: id, payload)
}

/// The head of a request for nothing in particular.
func plainHead(length: Int64? = 0, path: String = "/s", headers: HTTPFields = [:]) throws -> [UInt8] {
  var head = RequestHead(share: 0, try Request(.get, target: path, headers: headers))
  head.length = length
  return try head.payload(TunnelLimits())
}

/// The value of an optional, for expressions that `#require` does not take.
func present<Value>(_ value: Value?, sourceLocation: SourceLocation = #_sourceLocation) throws -> Value {
  try #require(value, sourceLocation: sourceLocation)
}
