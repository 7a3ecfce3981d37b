/// The first frame each way: what this side speaks and takes, and the proof that it is who the signals say.
///
/// ```
/// "PPT" and the version, 1   4 bytes
/// longest message            4, at least 16,384
/// streams                    4, that the other side may have open at a time
/// credit of each stream      8, that the other side has at first
/// credit of the connection   8
/// proof                      1 for its length, and the bytes
/// ```
///
/// What follows is ignored.
struct Hello: Sendable, Hashable {
  static let version: UInt8 = 1
  private static let magic: [UInt8] = Array("PPT".utf8)

  var message: Int
  var streams: Int
  var streamCredit: Int
  var connectionCredit: Int
  var proof: [UInt8]

  init(_ limits: TunnelLimits, proof: [UInt8]) {
    message = limits.message
    streams = limits.streams
    streamCredit = limits.streamCredit
    connectionCredit = limits.connectionCredit
    self.proof = proof
  }

  init(_ payload: ArraySlice<UInt8>) throws(ProtocolViolation) {
    var reader = PayloadReader(payload)
    guard try reader.bytes(3).elementsEqual(Hello.magic), try reader.integer(UInt8.self) == Hello.version else {
      throw .unsupportedVersion
    }
    message = Int(try reader.integer(UInt32.self))
    streams = Int(try reader.integer(UInt32.self))
    streamCredit = CreditOffset.reading(try reader.integer())
    connectionCredit = CreditOffset.reading(try reader.integer())
    proof = Array(try reader.short())
    guard message >= TunnelLimits.frame, proof.count <= TunnelLimits.proof else { throw .malformedFrame }
  }

  /// - Precondition: the proof has at most ``TunnelLimits/proof`` bytes.
  var payload: [UInt8] {
    var bytes = Hello.magic
    bytes.append(Hello.version)
    bytes.appendInteger(UInt32(message))
    bytes.appendInteger(UInt32(streams))
    bytes.appendInteger(UInt64(streamCredit))
    bytes.appendInteger(UInt64(connectionCredit))
    bytes.appendShort(proof)
    return bytes
  }
}

/// Counts of bytes since the beginning of a stream or a connection, as ``FrameKind/credit`` tells them.
enum CreditOffset {
  /// What is read of an offset: those beyond 2^62 mean as much as 2^62.
  static func reading(_ value: UInt64) -> Int { Int(min(value, 1 << 62)) }
}

/// A peer's wish to use a share over a connection that is there.
public struct ShareOpening: Sendable, Hashable {
  /// The id of the share: `share-` and its UUID.
  public var share: String
  /// Which ticket lets the peer in; empty without one.
  public var ticket: [UInt8]
  /// What proves it; see TRUST.md. Opaque here.
  public var proof: [UInt8]

  /// - Precondition: the share's id and the ticket's have at most ``TunnelLimits/shareID`` bytes, the proof at most
  ///   ``TunnelLimits/proof``.
  public init(share: String, ticket: [UInt8] = [], proof: [UInt8] = []) {
    precondition(
      share.utf8.count <= TunnelLimits.shareID && ticket.count <= TunnelLimits.shareID
        && proof.count <= TunnelLimits.proof, "An id or a proof is too long.")
    self.share = share
    self.ticket = ticket
    self.proof = proof
  }

  init(_ payload: ArraySlice<UInt8>) throws(ProtocolViolation) {
    var reader = PayloadReader(payload)
    guard let share = String(validating: try reader.short(), as: UTF8.self) else { throw .malformedFrame }
    self.share = share
    ticket = Array(try reader.short())
    proof = Array(try reader.short())
    try reader.finish()
    guard
      share.utf8.count <= TunnelLimits.shareID, ticket.count <= TunnelLimits.shareID,
      proof.count <= TunnelLimits.proof
    else { throw .malformedFrame }
  }

  var payload: [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendShort(share.utf8)
    bytes.appendShort(ticket)
    bytes.appendShort(proof)
    return bytes
  }
}
