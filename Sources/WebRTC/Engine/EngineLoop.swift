import CNice
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The thread of the engine: it runs the jobs of its actor, and GLib's main context, where libnice's sockets and all
/// timers are.
///
/// SAFETY: what is not a lock or an atomic is set before the thread starts, or touched by it alone.
final class EngineLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
  enum Item: Sendable {
    case job(UnownedJob)
    case work(@RTCEngine @Sendable () -> Void)
  }

  /// How often in a row jobs are looked for before the sockets and timers are.
  private static let roundsPerTurn = 8

  private struct State {
    var items: [Item] = []
    /// Whether the thread waits, or is about to, and has to be woken.
    var isAsleep = false
  }

  private let state = Locked(State())
  /// GLib's main context. Used by the engine's thread, but for the wake-up, which GLib allows from any.
  let context: OpaquePointer
  private let thread = Atomic<UInt>(0)

  // SAFETY: only the engine's thread touches this; `RTCEngine.afterThis` is isolated to it.
  nonisolated(unsafe) var deferred: [@RTCEngine () -> Void] = []

  init() {
    context = g_main_context_new()
    // libnice writes to standard error when a server's name has no address, and the like. That is the program's.
    g_log_set_handler("libnice", G_LOG_LEVEL_WARNING, { _, _, _, _ in }, nil)
    start()
  }

  // MARK: - For any thread

  func enqueue(_ job: consuming ExecutorJob) {
    submit(.job(UnownedJob(job)))
  }

  func submit(_ item: Item) {
    let mustWake = state.withLock { state in
      state.items.append(item)
      defer { state.isAsleep = false }
      return state.isAsleep
    }
    // The thread itself looks for items once the callback that it runs has returned.
    if mustWake, !isCurrent { g_main_context_wakeup(context) }
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  func checkIsolated() {
    precondition(isCurrent, "This may be called on the engine's thread only.")
  }

  // MARK: - The thread

  private func start() {
    let thread = g_thread_new(
      "webrtc",
      { loop in Unmanaged<EngineLoop>.fromOpaque(loop!).takeRetainedValue().run() },
      Unmanaged.passRetained(self).toOpaque())
    // It runs as long as the process does: nobody waits for its end.
    g_thread_unref(thread)
  }

  private func run() -> Never {
    thread.store(currentThread(), ordering: .releasing)
    g_main_context_push_thread_default(context)
    while true {
      let isIdle = runItems()
      // Waits only if there was nothing to do; what comes from here on wakes it.
      g_main_context_iteration(context, isIdle ? 1 : 0)
      runDeferred()
    }
  }

  /// Runs what waits, and what that leads to, for some rounds: a message that is answered goes out before the sockets are
  /// looked at again.
  /// - Returns: whether there is nothing left to do. Then whoever adds something wakes the thread.
  private func runItems() -> Bool {
    for _ in 0..<Self.roundsPerTurn {
      let items = state.withLock { state in
        defer { state.items.removeAll(keepingCapacity: true) }
        state.isAsleep = state.items.isEmpty
        return state.items
      }
      if items.isEmpty { return true }
      for item in items {
        switch item {
        case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
        case .work(let work): RTCEngine.assumeIsolated(work)
        }
      }
      runDeferred()
    }
    return false
  }

  private func runDeferred() {
    while !deferred.isEmpty {
      let works = deferred
      deferred.removeAll()
      for work in works { RTCEngine.assumeIsolated(work) }
    }
  }

  /// Whether the caller is on the engine's thread.
  var isCurrent: Bool { thread.load(ordering: .acquiring) == currentThread() }
}

private func currentThread() -> UInt {
  #if canImport(Darwin)
    UInt(bitPattern: pthread_self())
  #else
    UInt(pthread_self())
  #endif
}
