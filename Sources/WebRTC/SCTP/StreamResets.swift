/// The outgoing streams that are to be reset, one after the other: SCTP allows one request at a time (RFC 6525, section 5.1.1).
struct StreamResets {
  /// How long a stream whose reset was refused is left alone: doubled each time, up to the second value.
  private static let (firstPause, longestPause): (Duration, Duration) = (.milliseconds(10), .seconds(1))
  /// How often a stream is asked for in vain, which takes about ten seconds.
  private static let maxRefusals = 16

  private var waiting: [UInt16] = []
  private var current: UInt16?
  /// How often the first stream was refused in a row, and when it may be asked for again.
  private var refusals = 0
  private var pausedUntil: ContinuousClock.Instant?

  /// The stream to ask for now.
  func next(at now: ContinuousClock.Instant) -> UInt16? {
    if let pausedUntil, now < pausedUntil { return nil }
    return current == nil ? waiting.first : nil
  }

  mutating func add(_ stream: UInt16) {
    if stream != current, !waiting.contains(stream) { waiting.append(stream) }
  }

  mutating func begun(_ stream: UInt16) {
    waiting.removeAll { $0 == stream }
    current = stream
  }

  /// - Returns: whether the stream was asked for.
  mutating func confirmed(_ stream: UInt16) -> Bool {
    guard stream == current else { return false }
    moveOn()
    return true
  }

  /// The peer refused: the same stream is asked for again, after a while.
  /// - Returns: the stream, if it was refused too often and is given up.
  mutating func failed(at now: ContinuousClock.Instant) -> UInt16? {
    guard let stream = current else { return nil }
    refusals += 1
    guard refusals < Self.maxRefusals else {
      moveOn()
      return stream
    }
    current = nil
    waiting.insert(stream, at: 0)
    pausedUntil = now + min(Self.firstPause * (1 << (refusals - 1)), Self.longestPause)
    return nil
  }

  /// The peer uses the stream anew: if it was refused, it is not asked for again.
  mutating func cancel(_ stream: UInt16) {
    if current == nil, waiting.first == stream { moveOn() }
    waiting.removeAll { $0 == stream }
  }

  private mutating func moveOn() {
    (current, refusals, pausedUntil) = (nil, 0, nil)
  }
}
