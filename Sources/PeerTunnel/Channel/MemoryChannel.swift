import DequeModule
import Synchronization

/// One of two ends of a channel within this process: for tests, and for programs whose peers share a process.
///
/// ```swift
/// let (left, right) = MemoryChannel.pair()
/// let (left, right) = MemoryChannel.pair(ChannelFaults(seed: 7, longestDelay: 20, lostAfter: 100))
/// ```
public final class MemoryChannel: MessageChannel {
  private let link: MemoryLink
  private let end: MemoryLink.End

  private init(_ link: MemoryLink, _ end: MemoryLink.End) {
    self.link = link
    self.end = end
  }

  /// Two ends that are connected.
  public static func pair(_ faults: ChannelFaults = ChannelFaults()) -> (MemoryChannel, MemoryChannel) {
    let link = MemoryLink(faults)
    return (MemoryChannel(link, .left), MemoryChannel(link, .right))
  }

  public func send(_ message: [UInt8]) async throws { try await link.send(message, from: end) }
  public func offer(_ message: [UInt8]) -> Bool { link.offer(message, from: end) }
  public func receive() async throws -> [UInt8]? { try await link.receive(at: end) }
  public var bufferedAmount: Int { link.bufferedAmount(from: end) }
  public func close() async { link.close() }

  /// Holds back what is sent, both ways, until ``heal()``.
  public func partition() { link.setPartitioned(true) }
  /// Ends a partition; what was held back is delivered.
  public func heal() { link.setPartitioned(false) }
  /// Loses the connection for both ends, with all that is on its way.
  public func cut() { link.cut() }
}

/// What goes wrong on a ``MemoryChannel``.
public struct ChannelFaults: Sendable, Hashable {
  /// What the delays are drawn from, so that a run can be repeated.
  public var seed: UInt64
  /// How many steps a message is late at most: each step lets all other tasks go first.
  public var longestDelay: Int
  /// After how many messages of both ends together the connection is lost; never if `nil`.
  public var lostAfter: Int?
  /// How many bytes may be under way before senders wait.
  public var capacity: Int

  public init(
    seed: UInt64 = 0, longestDelay: Int = 0, lostAfter: Int? = nil, capacity: Int = ChannelTuning.unsent
  ) {
    self.seed = seed
    self.longestDelay = longestDelay
    self.lostAfter = lostAfter
    self.capacity = capacity
  }
}

/// The connection of a ``MemoryChannel`` was lost.
public struct ChannelLost: Error {}

/// What two ends share.
private final class MemoryLink: Sendable {
  enum End: Int, Sendable {
    case left
    case right

    var other: End { self == .left ? .right : .left }
  }

  /// Where messages go in one direction.
  private struct Direction {
    var messages = Deque<[UInt8]>()
    var bytes = 0
    var receiver: CheckedContinuation<Void, Never>?
    var sender: CheckedContinuation<Void, Never>?

    mutating func wake(_ resumptions: inout Resumptions) {
      wakeReceiver(&resumptions)
      wakeSender(&resumptions)
    }

    mutating func wakeReceiver(_ resumptions: inout Resumptions) {
      resumptions.add(receiver, .success(()))
      receiver = nil
    }

    mutating func wakeSender(_ resumptions: inout Resumptions) {
      resumptions.add(sender, .success(()))
      sender = nil
    }
  }

  private struct State {
    /// By the end that sends.
    var directions = [Direction(), Direction()]
    var isClosed = false
    var isLost = false
    var isPartitioned = false
    var sent = 0
    var random: UInt64
    var resumptions = Resumptions()

    mutating func append(_ message: [UInt8], from end: End) {
      sent += 1
      directions[end.rawValue].messages.append(message)
      directions[end.rawValue].bytes += message.count
      directions[end.rawValue].wakeReceiver(&resumptions)
    }

    mutating func wake() {
      directions[0].wake(&resumptions)
      directions[1].wake(&resumptions)
    }

    mutating func delay(upTo longest: Int) -> Int {
      guard longest > 0 else { return 0 }
      // Knuth's MMIX generator; chance is only needed to be repeatable.
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % (longest + 1)
    }
  }

  private let faults: ChannelFaults
  private let state: Mutex<State>

  init(_ faults: ChannelFaults) {
    self.faults = faults
    state = Mutex(State(random: faults.seed))
  }

  /// Does something with the state, and afterwards resumes those that it lets go on.
  private func withState<Value: Sendable, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let (result, resumptions) = state.withLock { state in
      let result = Result { () throws(Failure) in try body(&state) }
      defer { state.resumptions = Resumptions() }
      return (result, state.resumptions)
    }
    resumptions.run()
    return try result.get()
  }

  func send(_ message: [UInt8], from end: End) async throws {
    try withState { state in
      guard !state.isClosed, !state.isLost else { throw ChannelLost() }
      if let last = faults.lostAfter, state.sent >= last {
        state.isLost = true
        state.wake()
        throw ChannelLost()
      }
      state.append(message, from: end)
    }
    while true {
      let isFree = try withState { state in
        guard !state.isLost else { throw ChannelLost() }
        return state.isClosed || state.directions[end.rawValue].bytes <= faults.capacity
      }
      if isFree { return }
      try Task.checkCancellation()
      await wait(end) { state, continuation in
        guard !state.isClosed, !state.isLost, state.directions[end.rawValue].bytes > self.faults.capacity else {
          return false
        }
        state.directions[end.rawValue].sender = continuation
        return true
      }
    }
  }

  func offer(_ message: [UInt8], from end: End) -> Bool {
    withState { state in
      guard !state.isClosed, !state.isLost, state.sent < faults.lostAfter ?? .max,
        state.directions[end.rawValue].bytes <= faults.capacity
      else { return false }
      state.append(message, from: end)
      return true
    }
  }

  func receive(at end: End) async throws -> [UInt8]? {
    let from = end.other.rawValue
    let delay = withState { $0.delay(upTo: faults.longestDelay) }
    for _ in 0..<delay { await Task.yield() }
    while true {
      let (message, isAtEnd) = try withState { state -> ([UInt8]?, Bool) in
        guard !state.isLost else { throw ChannelLost() }
        guard !state.isPartitioned, let message = state.directions[from].messages.popFirst() else {
          return (nil, state.isClosed)
        }
        state.directions[from].bytes -= message.count
        if state.directions[from].bytes <= faults.capacity {
          state.directions[from].wakeSender(&state.resumptions)
        }
        return (message, false)
      }
      if let message { return message }
      if isAtEnd { return nil }
      try Task.checkCancellation()
      await wait(end.other) { state, continuation in
        let hasMessage = !state.isPartitioned && !state.directions[from].messages.isEmpty
        guard !state.isClosed, !state.isLost, !hasMessage else { return false }
        state.directions[from].receiver = continuation
        return true
      }
    }
  }

  /// Waits until something happens, or the task is cancelled.
  /// - Parameter register: keeps the continuation, or tells that there is nothing to wait for.
  private func wait(
    _ end: End, _ register: (inout State, CheckedContinuation<Void, Never>) -> Bool
  ) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        withState { state in
          if Task.isCancelled || !register(&state, continuation) { state.resumptions.add(continuation, .success(())) }
        }
      }
    } onCancel: {
      withState { state in state.directions[end.rawValue].wake(&state.resumptions) }
    }
  }

  func bufferedAmount(from end: End) -> Int { withState { $0.directions[end.rawValue].bytes } }

  func close() {
    withState { state in
      state.isClosed = true
      state.wake()
    }
  }

  func cut() {
    withState { state in
      state.isLost = true
      state.wake()
    }
  }

  func setPartitioned(_ isPartitioned: Bool) {
    withState { state in
      state.isPartitioned = isPartitioned
      state.wake()
    }
  }
}
