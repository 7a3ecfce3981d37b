/// What a frame is. The numbers are the protocol's; see `docs/wire-protocol.md`.
enum FrameKind: UInt8, Sendable, CaseIterable {
  /// The first frame each way: version, bounds, proof.
  case hello = 0x01
  /// Asks to use a share.
  case open = 0x02
  /// Answers ``open``.
  case opened = 0x03
  /// A share is not used any more, or not given any more.
  case close = 0x04
  /// The head of a request, which opens a stream.
  case request = 0x10
  /// The head of a response.
  case response = 0x11
  /// A part of a body.
  case data = 0x12
  /// Ends a stream before its time.
  case cancel = 0x13
  /// How many bytes of bodies may be sent.
  case credit = 0x14
  case ping = 0x20
  case pong = 0x21
  /// The last frame: why the session ends.
  case goodbye = 0x22
}

/// Marks of a frame. Those that are not known are ignored.
struct FrameFlags: OptionSet, Sendable, Hashable {
  let rawValue: UInt8

  /// On ``FrameKind/request``, ``FrameKind/response`` and ``FrameKind/data``: the body ends with this frame.
  static let end = FrameFlags(rawValue: 1 << 0)
  /// On ``FrameKind/request`` and ``FrameKind/response``: the head goes on in the next frame of the same kind.
  static let more = FrameFlags(rawValue: 1 << 1)
  /// On ``FrameKind/close``: the share was opened by the receiver of the frame.
  static let yours = FrameFlags(rawValue: 1 << 2)
}
