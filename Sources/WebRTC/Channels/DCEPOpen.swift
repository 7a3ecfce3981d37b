/// What `DATA_CHANNEL_OPEN` says of a channel (RFC 8832, section 5.1).
struct DCEPOpen: Hashable, Sendable {
  /// How long lost messages are sent again.
  enum Reliability: Hashable, Sendable {
    /// Until they arrive.
    case reliable
    /// At most so many times.
    case maxRetransmits(UInt32)
    /// At most so many milliseconds after they were given to be sent.
    case maxPacketLifeTime(UInt32)
  }

  /// How long lost messages are sent again.
  let reliability: Reliability
  /// Whether messages arrive in the order in which they were sent.
  let isOrdered: Bool
  /// The weight among the sender's channels (RFC 8831, section 6.4): 128 below normal, 256 normal, 512 high, 1024 extra high.
  let priority: UInt16
  /// The channel's name; channels may share one, and it may be empty.
  let label: String
  /// The name of the protocol spoken in the channel; usually empty.
  let `protocol`: String

  /// The priority of channels of which nothing else is said.
  static let normalPriority: UInt16 = 256

  /// Describes a channel.
  /// - Throws: ``DCEPError/textTooLong`` if the label or the protocol has more than 65,535 bytes of UTF-8.
  init(
    label: String, protocol: String = "", reliability: Reliability = .reliable, isOrdered: Bool = true,
    priority: UInt16 = normalPriority
  ) throws(DCEPError) {
    guard label.utf8.count <= UInt16.max, `protocol`.utf8.count <= UInt16.max else { throw .textTooLong }
    self.reliability = reliability
    self.isOrdered = isOrdered
    self.priority = priority
    self.label = label
    self.protocol = `protocol`
  }

  /// Reads a message with its type.
  init(parsing message: [UInt8]) throws(DCEPError) {
    guard message.count >= Self.headerLength else { throw .truncated }
    let labelLength = Int(Self.number(message[8..<10]))
    let protocolLength = Int(Self.number(message[10..<12]))
    let length = Self.headerLength + labelLength + protocolLength
    guard message.count >= length else { throw .truncated }
    guard message.count == length else { throw .trailingBytes }
    let texts = message[Self.headerLength...]
    guard let label = String(validating: texts.prefix(labelLength), as: UTF8.self),
      let name = String(validating: texts.dropFirst(labelLength), as: UTF8.self)
    else { throw .invalidText }
    reliability = try Reliability(channelType: message[1], parameter: Self.number(message[4..<8]))
    isOrdered = message[1] & Self.unorderedBit == 0
    priority = UInt16(truncatingIfNeeded: Self.number(message[2..<4]))
    self.label = label
    self.protocol = name
  }

  /// The message with its type, in network byte order.
  var bytes: [UInt8] {
    let (label, name) = (Array(label.utf8), Array(`protocol`.utf8))
    var bytes: [UInt8] = [DCEPMessage.openType, reliability.channelType | (isOrdered ? 0 : Self.unorderedBit)]
    bytes.reserveCapacity(Self.headerLength + label.count + name.count)
    bytes.append(bigEndian: priority)
    bytes.append(bigEndian: reliability.parameter)
    bytes.append(bigEndian: UInt16(truncatingIfNeeded: label.count))
    bytes.append(bigEndian: UInt16(truncatingIfNeeded: name.count))
    return bytes + label + name
  }

  private static let headerLength = 12
  private static let unorderedBit: UInt8 = 0x80

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }
}

extension DCEPOpen.Reliability {
  /// The channel types of RFC 8832, section 8.2.2, without the bit for unordered delivery.
  fileprivate init(channelType: UInt8, parameter: UInt32) throws(DCEPError) {
    switch channelType & 0x7F {
    // The parameter of reliable channels is to be ignored.
    case 0: self = .reliable
    case 1: self = .maxRetransmits(parameter)
    case 2: self = .maxPacketLifeTime(parameter)
    default: throw .unknownChannelType(channelType)
    }
  }

  fileprivate var channelType: UInt8 {
    switch self {
    case .reliable: 0
    case .maxRetransmits: 1
    case .maxPacketLifeTime: 2
    }
  }

  fileprivate var parameter: UInt32 {
    switch self {
    case .reliable: 0
    case .maxRetransmits(let count): count
    case .maxPacketLifeTime(let milliseconds): milliseconds
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }
}
