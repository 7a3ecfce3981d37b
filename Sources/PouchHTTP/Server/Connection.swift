import NIOCore
import Synchronization

/// A connection as its task sees it: what has arrived, and a way to answer. All of it may be used from any thread.
final class Connection: Sendable {
  /// What the connection's task hands to its event loop.
  enum Output: Sendable {
    /// Bytes of a response, or before one.
    case bytes(ByteBuffer)
    /// The last bytes of a response.
    case last(ByteBuffer, Afterwards)
    /// Nothing more can be said; a response that was begun stays incomplete.
    case abort
  }

  /// What becomes of a connection after a response.
  enum Afterwards: Sendable {
    case keep
    case close
  }

  private struct State {
    var task: Task<Void, Never>?
    var isClosed = false
    /// The server shuts down.
    var isDraining = false
    /// The request that is being answered is a live feed.
    var isLive = false
  }

  let parts: RequestParts
  let channel: any Channel
  /// Where the task runs between the requests, and answers those that are brief.
  private let executor: EventLoopExecutor
  private let state = Mutex(State())
  /// How many writes are on their way.
  let writesUnderWay = Atomic(0)

  init(channel: any Channel, parts: RequestParts) {
    self.channel = channel
    self.parts = parts
    executor = EventLoopExecutor(channel.eventLoop)
  }

  // MARK: The task

  /// Runs the connection's task, which is cancelled when the client has gone.
  func run(_ body: @escaping @Sendable () async -> Void) async {
    let task = Task(executorPreference: executor) { await body() }
    let isClosed = state.withLock { state in
      state.task = task
      return state.isClosed
    }
    if isClosed { task.cancel() }
    await task.value
    state.withLock { $0.task = nil }
  }

  /// The client has gone.
  func disconnected() {
    parts.finish()
    let task = state.withLock { state in
      state.isClosed = true
      return state.task
    }
    task?.cancel()
  }

  /// The server shuts down: the request under way is the last one, and a live feed ends now.
  func drain() {
    let task = state.withLock { state in
      state.isDraining = true
      return state.isLive ? state.task : nil
    }
    task?.cancel()
  }

  var isDraining: Bool { state.withLock { $0.isDraining } }

  /// Says that what is being answered from now on is a live feed, which ends when the server shuts down.
  func beginLiveFeed() {
    let task = state.withLock { state in
      state.isLive = true
      return state.isDraining ? state.task : nil
    }
    task?.cancel()
  }

  func endLiveFeed() {
    state.withLock { $0.isLive = false }
  }

  // MARK: Writing

  /// Writes, and returns when the socket has taken it.
  func write(_ output: Output) async throws {
    writesUnderWay.add(1, ordering: .relaxed)
    try await channel.writeAndFlush(output).get()
  }

  /// Writes a little without waiting. ``settle()`` waits for it.
  func writeWithoutWaiting(_ output: Output) {
    writesUnderWay.add(1, ordering: .relaxed)
    channel.writeAndFlush(output, promise: nil)
  }

  /// Waits until everything was written, so that a client which does not read cannot make the server collect answers.
  func settle() async throws {
    guard writesUnderWay.load(ordering: .relaxed) > 0 else { return }
    try await write(.bytes(ByteBuffer()))
  }
}
