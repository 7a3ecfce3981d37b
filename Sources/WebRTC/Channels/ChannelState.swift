import DequeModule

/// What a channel knows, and who waits for what. A value: the channel keeps it under a lock.
///
/// Tasks are resumed outside of the lock: changes collect what is to be resumed in `takeResumptions()`.
struct ChannelState: Sendable {
  struct Waiter: Sendable {
    let token: WaiterToken
    let continuation: CheckedContinuation<Result<Void, RTCError>, Never>
  }

  struct Reader: Sendable {
    let token: WaiterToken
    let continuation: CheckedContinuation<Result<DataChannel.Message?, RTCError>, Never>
  }

  private struct Sender: Sendable {
    let waiter: Waiter
    let message: OutgoingMessage
  }

  /// What becomes of a message that is to be sent.
  enum Admission {
    case queued
    case wait
    case refused(RTCError)
  }

  enum Answer {
    case message(DataChannel.Message)
    case end(RTCError?)
    case wait
  }

  private(set) var phase = DataChannel.State.connecting
  private(set) var id: UInt16?
  /// Whether the peer has confirmed the channel: until then all is sent in order (RFC 8832, section 6).
  private(set) var isAcknowledged = false
  /// The largest message that the peer takes.
  private var sendLimit = Int.max

  private let highMark: Int
  private let lowMark: Int
  private var outbox: Deque<OutgoingMessage> = []
  private(set) var bufferedAmount = 0
  private var senders: Deque<Sender> = []
  /// Whether the engine knows that there is something to send.
  private var isPumping = false

  private var inbox: Deque<DataChannel.Message> = []
  private var inboxBytes = 0
  private var readers: Deque<Reader> = []
  /// Whether reading from the peer is held up for this channel.
  private var isHolding = false

  private var openers: [Waiter] = []
  private var drainers: [Waiter] = []
  private var closers: [Waiter] = []
  private var resumptions: [@Sendable () -> Void] = []

  init(highMark: Int, lowMark: Int) {
    self.highMark = max(1, highMark)
    self.lowMark = min(max(0, lowMark), self.highMark)
  }

  mutating func takeResumptions() -> [@Sendable () -> Void] {
    defer { resumptions = [] }
    return resumptions
  }

  private mutating func resume(_ waiter: Waiter, _ result: Result<Void, RTCError>) {
    resumptions.append { waiter.continuation.resume(returning: result) }
  }

  private mutating func resume(_ reader: Reader, _ result: Result<DataChannel.Message?, RTCError>) {
    resumptions.append { reader.continuation.resume(returning: result) }
  }

  // MARK: - Phases

  mutating func open(id: UInt16, sendLimit: Int, isAcknowledged: Bool) {
    guard phase == .connecting else { return }
    phase = .open
    self.id = id
    self.sendLimit = sendLimit
    self.isAcknowledged = isAcknowledged
    for opener in openers { resume(opener, .success(())) }
    openers = []
    admitSenders()
    // Those who waited may all have been refused.
    resumeDrainers()
  }

  mutating func acknowledge() {
    isAcknowledged = true
  }

  /// Takes no more messages; those that were taken are still sent.
  ///
  /// The channel does not hold up reading any more: the peer's answer to its end would be held up with the rest.
  /// - Returns: whether reading was held up for this channel.
  mutating func beginClosing() -> Bool {
    guard phase == .open || phase == .connecting else { return false }
    phase = .closing
    for sender in senders { resume(sender.waiter, .failure(.closed)) }
    senders = []
    resumeDrainers()
    defer { isHolding = false }
    return isHolding
  }

  /// - Returns: whether reading was held up for this channel.
  mutating func end(_ error: RTCError?) -> Bool {
    if case .closed = phase { return false }
    phase = .closed(error)
    outbox = []
    bufferedAmount = 0
    let failure = error ?? .closed
    for sender in senders { resume(sender.waiter, .failure(failure)) }
    for waiter in openers + drainers { resume(waiter, .failure(failure)) }
    for closer in closers { resume(closer, .success(())) }
    for reader in readers { resume(reader, error.map { .failure($0) } ?? .success(nil)) }
    (senders, openers, drainers, closers, readers) = ([], [], [], [], [])
    defer { isHolding = false }
    return isHolding
  }

  private var refusal: RTCError? {
    switch phase {
    case .connecting, .open: nil
    case .closing: .closed
    case .closed(let error): error ?? .closed
    }
  }

  // MARK: - Sending

  mutating func admit(_ message: OutgoingMessage) -> Admission {
    if let refusal { return .refused(refusal) }
    guard phase == .open else { return .wait }
    guard message.bytes.count <= sendLimit else { return .refused(.messageTooLarge(limit: sendLimit)) }
    guard senders.isEmpty, bufferedAmount < highMark else { return .wait }
    push(message)
    return .queued
  }

  /// Queues what the protocol says, ahead of what was sent.
  mutating func pushControl(_ bytes: [UInt8]) {
    outbox.prepend(OutgoingMessage(control: bytes))
    bufferedAmount += bytes.count
  }

  private mutating func push(_ message: OutgoingMessage) {
    outbox.append(message)
    bufferedAmount += message.bytes.count
  }

  /// - Returns: whether the engine has to be told that there is something to send.
  mutating func schedulePump() -> Bool {
    guard !isPumping, !outbox.isEmpty else { return false }
    isPumping = true
    return true
  }

  /// The next message to be sent; if there is none, the engine will be told of the next one.
  mutating func nextOutgoing() -> OutgoingMessage? {
    isPumping = !outbox.isEmpty
    return outbox.first
  }

  /// Takes out the message that SCTP has taken over, and lets those in who wait for room.
  mutating func sent() {
    guard let message = outbox.popFirst() else { return }
    bufferedAmount -= message.bytes.count
    if bufferedAmount <= lowMark { admitSenders() }
    resumeDrainers()
  }

  private mutating func resumeDrainers() {
    guard isDrained else { return }
    for drainer in drainers { resume(drainer, .success(())) }
    drainers = []
  }

  /// Whether SCTP has taken over all that was to be sent.
  private var isDrained: Bool { outbox.isEmpty && senders.isEmpty }

  var isAllSent: Bool { outbox.isEmpty }

  private mutating func admitSenders() {
    while bufferedAmount < highMark, let sender = senders.popFirst() {
      guard sender.message.bytes.count <= sendLimit else {
        resume(sender.waiter, .failure(.messageTooLarge(limit: sendLimit)))
        continue
      }
      push(sender.message)
      resume(sender.waiter, .success(()))
    }
  }

  mutating func waitToSend(_ message: OutgoingMessage, _ waiter: Waiter) -> Result<Void, RTCError>? {
    switch admit(message) {
    case .queued: return .success(())
    case .refused(let error): return .failure(error)
    case .wait:
      senders.append(Sender(waiter: waiter, message: message))
      return nil
    }
  }

  // MARK: - Receiving

  /// What nobody has read yet.
  var unread: Backlog.Share {
    switch phase {
    case .connecting, .open: Backlog.Share(held: inboxBytes)
    case .closing, .closed: Backlog.Share(left: inboxBytes)
    }
  }

  /// Takes a message of the peer. Of a channel that is being closed, those beyond the high mark are dropped, and those that
  /// nobody waits for if there is no room.
  /// - Returns: whether no more can be taken for now.
  mutating func receive(_ message: DataChannel.Message, hasRoom: Bool = true) -> Bool {
    if case .closed = phase { return false }
    if let reader = readers.popFirst() {
      resume(reader, .success(message))
      return false
    }
    if phase == .closing, !hasRoom || inboxBytes >= ChannelTuning.inboxHighMark { return false }
    inbox.append(message)
    inboxBytes += message.byteCount + ChannelTuning.messageOverhead
    guard phase != .closing, inboxBytes >= ChannelTuning.inboxHighMark, !isHolding else { return false }
    isHolding = true
    return true
  }

  /// - Returns: the next message, and whether reading from the peer can go on.
  mutating func takeMessage() -> (Answer, mustResume: Bool) {
    if let (message, mustResume) = popMessage() { return (.message(message), mustResume) }
    if case .closed(let error) = phase { return (.end(error), false) }
    return (.wait, false)
  }

  /// - Returns: what the reader gets now, if it need not wait, and whether reading from the peer can go on.
  mutating func waitForMessage(
    _ reader: Reader, isCancelled: Bool
  ) -> (Result<DataChannel.Message?, RTCError>?, mustResume: Bool) {
    if isCancelled { return (.failure(.cancelled), false) }
    // One may have come since it was asked for.
    if let (message, mustResume) = popMessage() { return (.success(message), mustResume) }
    if case .closed(let error) = phase { return (error.map { .failure($0) } ?? .success(nil), false) }
    readers.append(reader)
    return (nil, false)
  }

  private mutating func popMessage() -> (DataChannel.Message, mustResume: Bool)? {
    guard let message = inbox.popFirst() else { return nil }
    inboxBytes -= message.byteCount + ChannelTuning.messageOverhead
    guard isHolding, inboxBytes <= ChannelTuning.inboxLowMark else { return (message, false) }
    isHolding = false
    return (message, true)
  }

  // MARK: - Waiting

  mutating func waitUntilOpen(_ waiter: Waiter) -> Result<Void, RTCError>? {
    if let refusal { return .failure(refusal) }
    if phase == .open { return .success(()) }
    openers.append(waiter)
    return nil
  }

  mutating func waitUntilDrained(_ waiter: Waiter) -> Result<Void, RTCError>? {
    if case .closed(let error) = phase { return .failure(error ?? .closed) }
    if isDrained { return .success(()) }
    drainers.append(waiter)
    return nil
  }

  mutating func waitUntilClosed(_ waiter: Waiter) -> Result<Void, RTCError>? {
    if case .closed = phase { return .success(()) }
    closers.append(waiter)
    return nil
  }

  /// Lets one go on who waits and was cancelled.
  mutating func cancelWaiter(_ token: WaiterToken) {
    if let index = senders.firstIndex(where: { $0.waiter.token === token }) {
      resume(senders.remove(at: index).waiter, .failure(.cancelled))
      return resumeDrainers()
    }
    for list in [\ChannelState.openers, \.drainers, \.closers] {
      guard let index = self[keyPath: list].firstIndex(where: { $0.token === token }) else { continue }
      return resume(self[keyPath: list].remove(at: index), .failure(.cancelled))
    }
  }

  mutating func cancelReader(_ token: WaiterToken) {
    guard let index = readers.firstIndex(where: { $0.token === token }) else { return }
    resume(readers.remove(at: index), .failure(.cancelled))
  }
}
