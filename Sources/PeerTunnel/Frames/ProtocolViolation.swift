/// What a peer did that the protocol does not allow. It ends the session.
public enum ProtocolViolation: Error, Sendable, Hashable {
  /// A message without a frame, or longer than was announced.
  case badMessageLength
  /// A message that ends within a frame.
  case truncatedFrame
  /// A frame over ``TunnelLimits/frame``.
  case frameTooLong
  /// A payload that is not what its kind asks for.
  case malformedFrame
  /// The first frame was no hello.
  case helloExpected
  /// A second hello.
  case secondHello
  /// A hello of no known protocol or version.
  case unsupportedVersion
  /// A hello that does not prove what it has to.
  case wrongProof
  /// A head longer than ``TunnelLimits/head``, with more headers than ``TunnelLimits/headers``, or with a path over
  /// ``TunnelLimits/path``.
  case headTooLarge
  /// A frame about a stream or a share that was never opened.
  case unknownStream
  /// A stream's number that is not above those before it, or belongs to the other side.
  case wrongStreamNumber
  /// A frame that cannot come at this point of a stream: a second head, data before the head or after the end.
  case unexpectedFrame
  /// More streams than ``TunnelLimits/streams``.
  case tooManyStreams
  /// More data than there was credit for.
  case creditExceeded
  /// A body of another length than its head has announced.
  case wrongBodyLength
  /// More cancels than ``TunnelLimits/cancelsPerSecond``, or openings than ``TunnelLimits/openingsPerSecond``.
  case tooOften
}
