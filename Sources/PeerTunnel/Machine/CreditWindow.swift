/// How many bytes of a stream, or of all streams, the peer may send: what this side gives.
///
/// Credit is an offset: so many bytes since the beginning may have been sent. It moves on when bytes were read, by the
/// time half of it is used up, and so many bytes ahead of what was read as the window is wide. The window is doubled
/// whenever it was read through in less than four round-trip times: then the credit, and not the sender, was what the
/// transfer waited for.
struct ReceivingWindow: Sendable {
  private(set) var size: Int
  private let largest: Int
  /// How many bytes came.
  private(set) var received = 0
  /// How many of them were read.
  private(set) var consumed = 0
  /// How many may come.
  private(set) var limit: Int
  /// Since when, and after how many bytes, the speed is measured.
  private var epoch: (start: ContinuousClock.Instant, consumed: Int)

  init(_ size: Int, upTo largest: Int, at now: ContinuousClock.Instant) {
    self.size = size
    self.largest = max(size, largest)
    limit = size
    epoch = (now, 0)
  }

  /// How many bytes came and were not read.
  var unread: Int { received - consumed }

  mutating func receive(_ count: Int) throws(ProtocolViolation) {
    received += count
    guard received <= limit else { throw .creditExceeded }
  }

  /// Notes that bytes were read.
  /// - Returns: whether new credit should be told.
  mutating func consume(_ count: Int, at now: ContinuousClock.Instant, roundTrip: Duration?) -> Bool {
    consumed += count
    guard consumed + size - limit >= size / 2 else { return false }
    grow(at: now, roundTrip: roundTrip)
    limit = consumed + size
    return true
  }

  private mutating func grow(at now: ContinuousClock.Instant, roundTrip: Duration?) {
    let read = consumed - epoch.consumed
    if let roundTrip, read > 0, size < largest {
      // `size` bytes at the speed of the epoch.
      let time = (now - epoch.start) * (Double(size) / Double(read))
      if time < roundTrip * 4 { size = min(size * 2, largest) }
    }
    epoch = (now, consumed)
  }

  /// Makes the window of a stream of which nothing has come wider.
  /// - Returns: whether it is wider than before.
  mutating func begin(with size: Int) -> Bool {
    guard received == 0, size > self.size else { return false }
    widen(to: size)
    limit = self.size
    return true
  }

  /// Makes the window at least so wide; for that of a connection, which must not be what one stream waits for.
  mutating func widen(to size: Int) {
    self.size = max(self.size, min(size, largest))
  }
}

/// How many bytes of a stream, or of all streams, this side may send: what the peer gives.
struct SendingWindow: Sendable {
  private(set) var sent = 0
  private(set) var limit: Int

  var room: Int { limit - sent }

  init(_ limit: Int) {
    self.limit = limit
  }

  mutating func send(_ count: Int) {
    sent += count
  }

  /// Takes new credit. An offset below the one before means nothing.
  /// - Returns: whether there is more than before.
  mutating func raise(to limit: Int) -> Bool {
    guard limit > self.limit else { return false }
    self.limit = limit
    return true
  }
}
