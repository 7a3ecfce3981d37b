/// A message of the data channel establishment protocol (RFC 8832, section 5).
///
/// The messages travel in the stream that they are about, under the payload protocol identifier 50.
enum DCEPMessage: Hashable, Sendable {
  /// `DATA_CHANNEL_OPEN`: the sender opens a channel.
  case open(DCEPOpen)
  /// `DATA_CHANNEL_ACK`: the receiver has opened it as well.
  case acknowledge

  /// Reads a message.
  /// - Throws: ``DCEPError`` if it is of an unknown type, shorter or longer than it says, or its texts are not UTF-8.
  init(parsing bytes: some Collection<UInt8>) throws(DCEPError) {
    let message = Array(bytes)
    guard let type = message.first else { throw .truncated }
    switch type {
    case Self.openType: self = .open(try DCEPOpen(parsing: message))
    case Self.acknowledgeType:
      guard message.count == 1 else { throw .trailingBytes }
      self = .acknowledge
    default: throw .unknownMessage(type)
    }
  }

  /// The message as it is sent.
  var bytes: [UInt8] {
    switch self {
    case .open(let open): open.bytes
    case .acknowledge: [Self.acknowledgeType]
    }
  }

  /// The message types of RFC 8832, section 8.2.1.
  static let openType: UInt8 = 0x03
  static let acknowledgeType: UInt8 = 0x02
}

/// Why a message of the data channel establishment protocol is refused.
enum DCEPError: Error, Hashable, Sendable {
  /// The message is empty, or ends before what it announces.
  case truncated
  /// The message goes on after its end.
  case trailingBytes
  /// A message type that RFC 8832 does not define.
  case unknownMessage(UInt8)
  /// A channel type that RFC 8832 does not define.
  case unknownChannelType(UInt8)
  /// A label or protocol that is not UTF-8.
  case invalidText
  /// A label or protocol of more than 65,535 bytes, which cannot be sent.
  case textTooLong
}

extension DCEPError: CustomStringConvertible {
  var description: String {
    switch self {
    case .truncated: "a DCEP message is truncated"
    case .trailingBytes: "a DCEP message is too long"
    case .unknownMessage(let type): "DCEP message type \(type) is unknown"
    case .unknownChannelType(let type): "DCEP channel type \(type) is unknown"
    case .invalidText: "a DCEP label or protocol is not UTF-8"
    case .textTooLong: "a label or protocol is longer than 65535 bytes"
    }
  }
}
