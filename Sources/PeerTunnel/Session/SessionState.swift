import PouchCore

/// What a ``TunnelSession`` guards with its lock.
struct SessionState: Sendable {
  var machine: TunnelMachine
  /// Who waits for what, by stream. An entry goes when the machine forgets the stream.
  var exchanges: [StreamNumber: Exchange] = [:]
  /// What answers the peer's requests to each share of this side.
  var handlers: [ShareNumber: (share: String, respond: ShareHandler)] = [:]
  /// Those who wait for the answer to an opening.
  var openings: [ShareNumber: (key: Int, continuation: CheckedContinuation<ShareNumber, any Error>)] = [:]
  /// Those who wait until the peer has proved who it is.
  var readiness: [Int: CheckedContinuation<Void, any Error>] = [:]
  /// The sender, while it has nothing to send.
  var sender: CheckedContinuation<Void, Never>?
  /// Whether the sender has found nothing to send, and nothing came up since that it has to do.
  var isIdle = false
  /// A message that the channel could not take at once; it is the sender's next one.
  var refused: [UInt8]?
  var end: SessionEnd?
  /// The tasks of the session: they answer requests and send bodies.
  var tasks: [Int: Task<Void, Never>] = [:]
  private var nextKey = 0
  /// How many requests of the peer are worked on, those included that it has cancelled.
  var requestsAtWork = 0
  var statistics = TunnelStatistics()
  private var cancelled: [Task<Void, Never>] = []
  private var released: [any Sendable] = []
  var resumptions = Resumptions()

  init(_ machine: TunnelMachine, _ side: TunnelSide) {
    self.machine = machine
    if case .sharer(let share, let handler) = side { handlers[0] = (share, handler) }
  }

  /// The next message, which is to be handed to the channel before another one is asked for.
  mutating func nextMessage() -> [UInt8]? {
    if let message = refused {
      refused = nil
      return message
    }
    guard let message = machine.nextMessage(at: .now) else { return nil }
    statistics.sent += Int64(message.bytes.count)
    for number in message.writable { exchanges[number]?.continueWriting(&resumptions) }
    return message.bytes
  }

  mutating func wakeSender() {
    isIdle = false
    resumptions.add(sender, .success(()))
    sender = nil
  }

  mutating func makeKey() -> Int {
    nextKey += 1
    return nextKey
  }

  /// Has a task cancelled once the lock is free.
  mutating func cancel(_ task: Task<Void, Never>?) {
    if let task { cancelled.append(task) }
  }

  /// Keeps something until the lock is free, since what is done when it is dropped takes the lock.
  mutating func releaseLater(_ value: some Sendable) {
    released.append(value)
  }

  mutating func takeLeftovers() -> Leftovers {
    guard !cancelled.isEmpty || !released.isEmpty || !resumptions.isEmpty else { return Leftovers() }
    defer { (cancelled, released, resumptions) = ([], [], Resumptions()) }
    return Leftovers(cancelled: cancelled, released: released, resumptions: resumptions)
  }

  /// What must be done without the lock.
  struct Leftovers: Sendable {
    var cancelled: [Task<Void, Never>] = []
    var released: [any Sendable] = []
    var resumptions = Resumptions()
  }

  /// Ends a stream with what waits for it.
  mutating func fail(_ number: StreamNumber, _ error: any Error) {
    guard let exchange = exchanges.removeValue(forKey: number) else { return }
    exchange.fail(error, &resumptions)
    cancel(exchange.task)
  }

  /// Notes that the session is over, and ends whatever waits for it.
  /// - Returns: how it ended: what was noted first.
  mutating func settle(_ end: SessionEnd) -> SessionEnd {
    if let end = self.end { return end }
    self.end = end
    if case .violation = end {
      // The goodbye is still to be sent.
      failAll(end)
    } else if !machine.isEnding {
      for case .failed(let number, let error) in machine.end(end) { fail(number, error) }
    }
    failAll(end)
    return end
  }

  /// What no event has failed: bodies on their way to a peer that is gone, and those who wait for the session itself.
  private mutating func failAll(_ end: SessionEnd) {
    let error = PouchError(.badResponse, end.reason)
    for (number, exchange) in exchanges {
      let isRead = exchange.isOwn && exchange.head == nil && machine.isComplete(number)
      guard !isRead else { continue }
      let isUnsent = exchange.isOwn && !machine.wasSent(number)
      fail(number, isUnsent ? PouchError(.unreachable, end.reason) : error)
    }
    let unreachable = PouchError(.unreachable, end.reason)
    for (_, opening) in openings { resumptions.add(opening.continuation, .failure(unreachable)) }
    for (_, continuation) in readiness { resumptions.add(continuation, .failure(unreachable)) }
    (openings, readiness) = ([:], [:])
  }
}

extension TunnelMachine {
  /// Whether all of what the peer sends on a stream has come, though it may not have been read.
  func isComplete(_ number: StreamNumber) -> Bool {
    switch streams[number]?.receiving {
    case .ended, .done: true
    default: false
    }
  }

  /// Whether anything of a stream of this side was sent.
  func wasSent(_ number: StreamNumber) -> Bool { number <= highestSent }
}
