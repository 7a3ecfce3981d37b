import DequeModule

/// One request with its response, as one of the two sides sees it.
struct TunnelStream: Sendable {
  /// Who has opened it.
  enum Opener: Sendable, Hashable {
    case own
    case peer
  }

  /// Where what this side sends stands.
  enum Sending: Sendable, Hashable {
    /// There is no head yet: the response to a request.
    case noHead
    /// The head waits to be sent.
    case head
    /// The body.
    case body
    /// The end was sent.
    case ended
  }

  /// Where what the other side sends stands.
  enum Receiving: Sendable, Hashable {
    case head
    case body
    /// The end came; it may not have been read yet.
    case ended
    /// The end came and was read, or nobody wants the rest.
    case done
  }

  let number: StreamNumber
  let opener: Opener
  var share: ShareNumber

  var sending: Sending
  /// What is left to send of the head.
  var head: ArraySlice<UInt8> = []
  var pieces = Deque<ArraySlice<UInt8>>()
  var unsent = 0
  /// Whether there will be no more pieces.
  var isFinished = false
  var sendingWindow: SendingWindow
  var isInRing = false
  /// When bytes last went, or were put where none waited.
  var lastSent: ContinuousClock.Instant

  var receiving = Receiving.head
  /// The frames of a head that is not complete.
  var partialHead: [UInt8] = []
  var inbox: [UInt8] = []
  /// How many bytes the body shall have.
  var expected: Int64?
  var receivingWindow: ReceivingWindow
  var isCreditDue = false
  /// Whether what comes is thrown away.
  var isDiscarding = false
  /// When the other side last moved, or was last given credit.
  var lastReceived: ContinuousClock.Instant
  /// Whether a cancel waits to be sent, after which the stream is no more.
  var isCancelled = false

  /// Whether anything of it was sent, or came.
  var isOnWire = false

  /// Whether neither side will send anything more.
  var isOver: Bool { sending == .ended && (receiving == .ended || receiving == .done) }

  /// Whether it can put a frame of its body into a message.
  func hasData(connectionRoom: Int) -> Bool {
    guard sending == .body else { return false }
    if unsent == 0 { return isFinished }
    return sendingWindow.room > 0 && connectionRoom > 0
  }
}
