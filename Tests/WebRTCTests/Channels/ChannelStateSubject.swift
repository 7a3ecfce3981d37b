@testable import WebRTC

/// A channel's state with tasks that wait on it, without a channel or a connection.
final class ChannelStateSubject: Sendable {
  /// A task that waits, and its name.
  struct Waiting<Value: Sendable>: Sendable {
    let token: WaiterToken
    fileprivate let task: Task<Result<Value, RTCError>, Never>

    /// What it was resumed with.
    var outcome: Result<Value, RTCError> { get async { await task.value } }
  }

  private let state: Locked<ChannelState>

  init(highMark: Int = 100, lowMark: Int = 50) {
    state = Locked(ChannelState(highMark: highMark, lowMark: lowMark))
  }

  /// Changes the state.
  /// - Returns: what the change returns, and how many tasks were resumed by it.
  @discardableResult
  func change<Value: Sendable>(_ body: (inout ChannelState) -> Value) -> (Value, resumed: Int) {
    let (value, resumptions) = state.withLock { (body(&$0), $0.takeResumptions()) }
    for resumption in resumptions { resumption() }
    return (value, resumptions.count)
  }

  func open(sendLimit: Int = .max, isAcknowledged: Bool = true) {
    change { $0.open(id: 0, sendLimit: sendLimit, isAcknowledged: isAcknowledged) }
  }

  /// The sizes of the messages that SCTP takes over now, at most so many.
  func takeOver(_ count: Int = .max) -> [Int] {
    var sizes: [Int] = []
    while sizes.count < count, let message = change({ $0.nextOutgoing() }).0 {
      sizes.append(message.bytes.count)
      change { $0.sent() }
    }
    return sizes
  }

  func admit(_ size: Int) -> ChannelState.Admission {
    change { $0.admit(OutgoingMessage(.binary([UInt8](repeating: 7, count: size)))) }.0
  }

  /// Has a task wait; it is registered when this returns.
  func wait(
    _ register: @escaping @Sendable (inout ChannelState, ChannelState.Waiter) -> Result<Void, RTCError>?
  ) async -> Waiting<Void> {
    let token = WaiterToken()
    return await waiting(token) { continuation in
      let now = self.change { register(&$0, ChannelState.Waiter(token: token, continuation: continuation)) }.0
      if let now { continuation.resume(returning: now) }
    }
  }

  /// Has a task wait until a message of some size is queued.
  func send(_ size: Int) async -> Waiting<Void> {
    await wait { $0.waitToSend(OutgoingMessage(.binary([UInt8](repeating: 7, count: size))), $1) }
  }

  /// Has a task wait for a message of the peer.
  func read(isCancelled: Bool = false) async -> (Waiting<DataChannel.Message?>, mustResume: Bool) {
    let (token, mustResume) = (WaiterToken(), Locked(false))
    let reading = await waiting(token) { continuation in
      let reader = ChannelState.Reader(token: token, continuation: continuation)
      let (now, resume) = self.change { $0.waitForMessage(reader, isCancelled: isCancelled) }.0
      mustResume.withLock { $0 = resume }
      if let now { continuation.resume(returning: now) }
    }
    return (reading, mustResume.withLock { $0 })
  }

  private func waiting<Value: Sendable>(
    _ token: WaiterToken,
    _ register: @escaping @Sendable (CheckedContinuation<Result<Value, RTCError>, Never>) -> Void
  ) async -> Waiting<Value> {
    let (registration, registered) = AsyncStream<Never>.makeStream()
    let task = Task {
      await withCheckedContinuation { continuation in
        register(continuation)
        registered.finish()
      }
    }
    for await _ in registration {}
    return Waiting(token: token, task: task)
  }
}

extension Result where Success == Void, Failure == RTCError {
  /// The error, if it is one.
  var error: RTCError? {
    if case .failure(let error) = self { error } else { nil }
  }
}
