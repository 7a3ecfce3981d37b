/// A frame as it was received: eight bytes of header, and what they announce.
///
/// ```
/// 0      1      2             4                           8
/// | kind | flags | length      | stream or share            | payload …
/// ```
///
/// Numbers are big-endian. `length` counts the payload only.
struct Frame: Sendable {
  static let headerLength = 8
  /// The longest payload.
  static let longestPayload = TunnelLimits.frame - headerLength

  /// `nil` for kinds that this version does not know.
  let kind: FrameKind?
  let flags: FrameFlags
  /// The stream, or the share; 0 for the connection.
  let id: UInt32
  let payload: ArraySlice<UInt8>
}

/// Takes the frames out of a message.
struct FrameReader {
  private var rest: ArraySlice<UInt8>

  init(_ message: ArraySlice<UInt8>) {
    rest = message
  }

  /// The next frame; `nil` at the end of the message.
  /// - Throws: ``ProtocolViolation/truncatedFrame`` if the message ends within a frame,
  ///   ``ProtocolViolation/frameTooLong`` for one over ``TunnelLimits/frame``.
  mutating func next() throws(ProtocolViolation) -> Frame? {
    guard !rest.isEmpty else { return nil }
    guard rest.count >= Frame.headerLength else { throw .truncatedFrame }
    let start = rest.startIndex
    let length = Int(rest[start + 2]) << 8 | Int(rest[start + 3])
    guard length <= Frame.longestPayload else { throw .frameTooLong }
    let payload = start + Frame.headerLength
    guard rest.endIndex - payload >= length else { throw .truncatedFrame }
    let id =
      UInt32(rest[start + 4]) << 24 | UInt32(rest[start + 5]) << 16 | UInt32(rest[start + 6]) << 8
      | UInt32(rest[start + 7])
    let frame = Frame(
      kind: FrameKind(rawValue: rest[start]), flags: FrameFlags(rawValue: rest[start + 1]), id: id,
      payload: rest[payload..<payload + length])
    rest = rest[(payload + length)...]
    return frame
  }
}

/// Puts frames into a message.
struct MessageWriter {
  private(set) var bytes: [UInt8] = []
  /// How long the message may get.
  let limit: Int
  private static let longFrame = 4096

  /// How many bytes of payload another frame can have; negative if none fits.
  var room: Int { min(limit - bytes.count - Frame.headerLength, Frame.longestPayload) }

  init(limit: Int) {
    self.limit = limit
  }

  /// Appends a frame.
  /// - Precondition: the payload fits into ``room``.
  mutating func append(
    _ kind: FrameKind, _ flags: FrameFlags = [], id: UInt32 = 0, payload: some Collection<UInt8>
  ) {
    precondition(payload.count <= Frame.longestPayload, "The payload does not fit into a frame.")
    // A message with a long frame most often gets full.
    if payload.count > MessageWriter.longFrame, bytes.capacity < limit { bytes.reserveCapacity(limit) }
    bytes.append(kind.rawValue)
    bytes.append(flags.rawValue)
    bytes.appendInteger(UInt16(payload.count))
    bytes.appendInteger(id)
    bytes.append(contentsOf: payload)
  }
}

extension [UInt8] {
  /// Appends a number, big-endian.
  mutating func appendInteger<Integer: FixedWidthInteger>(_ value: Integer) {
    var shift = Integer.bitWidth
    while shift > 0 {
      shift -= 8
      append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Appends text or bytes behind their length in one byte.
  /// - Precondition: there are at most 255 of them.
  mutating func appendShort(_ part: some Collection<UInt8>) {
    precondition(part.count <= UInt8.max, "A short part has at most 255 bytes.")
    append(UInt8(part.count))
    append(contentsOf: part)
  }

  /// Appends text or bytes behind their length in two bytes.
  /// - Precondition: there are at most 65,535 of them.
  mutating func appendLong(_ part: some Collection<UInt8>) {
    precondition(part.count <= UInt16.max, "A long part has at most 65,535 bytes.")
    appendInteger(UInt16(part.count))
    append(contentsOf: part)
  }
}

/// Takes a payload apart. Whatever is missing makes the frame malformed.
struct PayloadReader {
  private(set) var rest: ArraySlice<UInt8>

  init(_ payload: ArraySlice<UInt8>) {
    rest = payload
  }

  mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(
    _ type: Integer.Type = Integer.self
  ) throws(ProtocolViolation) -> Integer {
    var value: Integer = 0
    for byte in try bytes(Integer.bitWidth / 8) { value = value << 8 | Integer(byte) }
    return value
  }

  mutating func bytes(_ count: Int) throws(ProtocolViolation) -> ArraySlice<UInt8> {
    guard rest.count >= count else { throw .malformedFrame }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  /// Bytes behind their length in one byte.
  mutating func short() throws(ProtocolViolation) -> ArraySlice<UInt8> {
    try bytes(Int(try integer(UInt8.self)))
  }

  /// Bytes behind their length in two bytes.
  mutating func long() throws(ProtocolViolation) -> ArraySlice<UInt8> {
    try bytes(Int(try integer(UInt16.self)))
  }

  /// Checks that nothing is left.
  func finish() throws(ProtocolViolation) {
    guard rest.isEmpty else { throw .malformedFrame }
  }

  /// The rest as a reason for people. What is no UTF-8 is replaced, what is too long is cut.
  func reason() -> String {
    String(decoding: rest.prefix(TunnelLimits.reason), as: UTF8.self)
  }
}
