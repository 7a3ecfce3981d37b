/// A channel of messages to a peer (RFC 8831): what `RTCDataChannel` is in browsers.
///
/// ```swift
/// let channel = try await connection.createDataChannel("chat")
/// try await channel.send("hello")
/// for try await message in channel.messages { print(message) }
/// ```
///
/// Both directions have back-pressure. ``send(_:)-([UInt8])`` suspends while ``Options/highMark`` bytes wait; messages that
/// nobody reads fill 1 MiB, then the connection's window, and then the peer waits too. The channels of a connection share
/// that window: one that is not read from holds up the others.
public final class DataChannel: Sendable {
  /// A name that the peer is told; it need not be unique.
  public let label: String
  public let options: Options
  /// Whether the peer made it.
  public let isIncoming: Bool

  private let table: ChannelTable
  private let state: Locked<ChannelState>

  init(label: String, options: Options, isIncoming: Bool, table: ChannelTable) {
    self.label = label
    self.options = options
    self.isIncoming = isIncoming
    self.table = table
    state = Locked(ChannelState(highMark: options.highMark, lowMark: options.lowMark))
  }

  deinit {
    // What was never read makes room for others.
    count(from: state.withLock { $0.unread }, to: Backlog.Share())
  }

  /// The number of its stream; `nil` before the connection is made.
  public var id: UInt16? { state.withLock { $0.id } }

  /// Where it is in its life.
  public var currentState: State { state.withLock { $0.phase } }

  /// How many bytes wait to be sent: what `send` has taken and SCTP has not.
  public var bufferedAmount: Int { state.withLock { $0.bufferedAmount } }

  /// Suspends until the channel is open.
  /// - Throws: ``RTCError`` that it ended with before; ``RTCError/cancelled``.
  public func opened() async throws(RTCError) {
    try await wait { state, waiter in state.waitUntilOpen(waiter) }
  }

  // MARK: - Sending

  /// Sends bytes as one message. Returns when it is queued; suspends before while too much waits.
  /// - Throws: ``RTCError/messageTooLarge(limit:)``, ``RTCError/closed`` if the channel is closing or was closed, what the
  ///   connection failed with, or ``RTCError/cancelled``. In all cases nothing of the message is sent.
  public func send(_ bytes: [UInt8]) async throws(RTCError) {
    try await send(OutgoingMessage(.binary(bytes)))
  }

  /// Sends text as one message. Like ``send(_:)-([UInt8])``.
  public func send(_ text: String) async throws(RTCError) {
    try await send(OutgoingMessage(.text(text)))
  }

  /// Sends bytes as one message if nothing has to be waited for: as ``send(_:)-([UInt8])``, for those who cannot suspend.
  /// - Returns: whether the message is queued. If not, too much waits, or ``send(_:)-([UInt8])`` would throw.
  public func offer(_ bytes: [UInt8]) -> Bool {
    if case .queued = admit(OutgoingMessage(.binary(bytes))) { true } else { false }
  }

  private func admit(_ message: OutgoingMessage) -> ChannelState.Admission {
    let (admission, mustPump) = state.withLock { ($0.admit(message), $0.schedulePump()) }
    if mustPump { schedulePump() }
    return admission
  }

  private func send(_ message: OutgoingMessage) async throws(RTCError) {
    switch admit(message) {
    case .queued:
      break
    case .refused(let error):
      throw error
    case .wait:
      try await wait { state, waiter in state.waitToSend(message, waiter) }
    }
  }

  /// Suspends until nothing waits to be sent: until ``bufferedAmount`` is 0 and no `send` is suspended. What SCTP has taken
  /// over may still be on its way.
  /// - Throws: ``RTCError`` that the channel ended with before; ``RTCError/cancelled``.
  public func drained() async throws(RTCError) {
    try await wait { state, waiter in state.waitUntilDrained(waiter) }
  }

  private func schedulePump() {
    RTCEngine.submit { [table] in table.hasMessages(self) }
  }

  // MARK: - Receiving

  /// The peer's messages in the order in which they arrive, each once, whoever iterates. Ends when the channel is closed and
  /// all were read; throws what the channel ended with otherwise.
  public var messages: Messages { Messages(channel: self) }

  public struct Messages: AsyncSequence, Sendable {
    public typealias Element = Message
    public typealias Failure = RTCError

    let channel: DataChannel

    public struct Iterator: AsyncIteratorProtocol {
      let channel: DataChannel

      public mutating func next() async throws(RTCError) -> Message? {
        try await channel.nextMessage(isolation: nil)
      }

      public mutating func next(isolation actor: isolated (any Actor)?) async throws(RTCError) -> Message? {
        try await channel.nextMessage(isolation: actor)
      }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(channel: channel) }
  }

  private func nextMessage(isolation: isolated (any Actor)?) async throws(RTCError) -> Message? {
    let (answer, mustResume) = withState { $0.takeMessage() }
    if mustResume { resumeReading() }
    switch answer {
    case .message(let message): return message
    case .end(nil): return nil
    case .end(let error?): throw error
    case .wait: break
    }
    let token = WaiterToken()
    let result = await withTaskCancellationHandler {
      // A closure keeps the caller's isolation only if it mentions it; without, the task would change threads twice.
      _ = isolation
      return await RTCEngine.suspend(isolation) {
        (continuation: CheckedContinuation<Result<Message?, RTCError>, Never>) in
        let reader = ChannelState.Reader(token: token, continuation: continuation)
        let (now, mustResume) = withState { $0.waitForMessage(reader, isCancelled: Task.isCancelled) }
        if mustResume { resumeReading() }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      change { $0.cancelReader(token) }
    }
    return try result.get()
  }

  /// Changes the state, and counts what is not read.
  private func withState<Result>(_ body: (inout ChannelState) -> Result) -> Result {
    state.withLock { state in
      let before = state.unread
      let result = body(&state)
      count(from: before, to: state.unread)
      return result
    }
  }

  private func count(from before: Backlog.Share, to after: Backlog.Share) {
    guard before != after, table.backlog.change(from: before, to: after) else { return }
    RTCEngine.submit { [table] in table.backlogShrank() }
  }

  private func resumeReading() {
    RTCEngine.submit { [table] in table.isRead(self) }
  }

  // MARK: - Closing

  /// Closes the channel once what was sent is delivered, and suspends until both sides have.
  ///
  /// What the peer sends until it knows can still be read; if nobody does, what is beyond 1 MiB is dropped. Once all is
  /// handed to SCTP, a peer that does not confirm the end is waited for no longer than
  /// ``PeerConnection/Configuration/peerTimeout``: the channel ends with ``RTCError/timedOut``, and what is still on its way
  /// to the peer goes on as long as the connection does.
  ///
  /// If the task is cancelled it returns, and the closing goes on.
  public func close() async {
    RTCEngine.submit { [table] in table.close(self) }
    await closed()
  }

  /// Suspends until the channel is closed.
  /// - Returns: `nil` if one of the sides closed it, else why it ended.
  @discardableResult
  public func closed() async -> RTCError? {
    try? await wait { state, waiter in state.waitUntilClosed(waiter) }
    if case .closed(let error) = currentState { return error }
    return .cancelled
  }

  // MARK: - Waiting

  private func wait(
    _ register: @Sendable (inout ChannelState, ChannelState.Waiter) -> Result<Void, RTCError>?
  ) async throws(RTCError) {
    let token = WaiterToken()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, RTCError>, Never>) in
        let waiter = ChannelState.Waiter(token: token, continuation: continuation)
        var now: Result<Void, RTCError>? = .failure(.cancelled)
        let mustPump = state.withLock { state in
          guard !Task.isCancelled else { return false }
          now = register(&state, waiter)
          return state.schedulePump()
        }
        if mustPump { schedulePump() }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      change { $0.cancelWaiter(token) }
    }
    try result.get()
  }

  // MARK: - For the engine

  /// Changes the state, and resumes those that the change lets go on.
  @RTCEngine
  func update<Result: Sendable>(_ body: (inout ChannelState) -> Result) -> Result {
    change(body)
  }

  private func change<Result: Sendable>(_ body: (inout ChannelState) -> Result) -> Result {
    let (result, resumptions) = withState { state in
      let result = body(&state)
      return (result, state.takeResumptions())
    }
    for resumption in resumptions { resumption() }
    return result
  }
}

/// Names a waiting task, so that it can be found when it is cancelled.
final class WaiterToken: Sendable {}
