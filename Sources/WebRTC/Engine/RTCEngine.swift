/// The actor that all peer connections of a process live on: one thread, which owns libnice, OpenSSL and usrsctp.
///
/// Packets are dealt with where they arrive, without a change of threads: the thread's loop calls into libnice, which
/// calls back here. One thread also means that the connections of a process share one processor core; see
/// `docs/webrtc.md`.
@globalActor
public actor RTCEngine {
  public static let shared = RTCEngine()

  /// The thread, and what waits for it.
  nonisolated let loop = EngineLoop()

  private init() {}

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Runs something that C calls on the engine's thread.
  /// - Precondition: the caller is on that thread.
  @inline(__always)
  static func assumeIsolated<Result>(_ body: @RTCEngine () throws -> Result) rethrows -> Result {
    shared.loop.checkIsolated()
    // SAFETY: the isolation of a function is not part of how it is called, and the thread has just been checked.
    return try withoutActuallyEscaping(body) { body in
      try unsafeBitCast(body, to: (() throws -> Result).self)()
    }
  }

  /// Suspends a task until its continuation is resumed.
  ///
  /// The continuation is resumed by the executor that the task prefers, and only then goes where it is isolated. Without a
  /// preference that is one of Swift's threads: a task on the engine would go there and back. While it is suspended here, it
  /// prefers the engine.
  static func suspend<Value: Sendable>(
    _ isolation: isolated (any Actor)?, _ body: (CheckedContinuation<Value, Never>) -> Void
  ) async -> Value {
    guard isolation === shared else { return await withCheckedContinuation(body) }
    return await withTaskExecutorPreference(shared.loop) {
      // A closure keeps the caller's isolation only if it mentions it.
      _ = isolation
      return await withCheckedContinuation(body)
    }
  }

  /// Has something done on the engine's thread, in the order of the calls.
  nonisolated static func submit(_ work: @escaping @RTCEngine @Sendable () -> Void) {
    shared.loop.submit(.work(work))
  }

  /// Has something done once the callback or job that runs now has ended: what must not happen within it.
  static func afterThis(_ work: @escaping @RTCEngine () -> Void) {
    shared.loop.deferred.append(work)
  }
}
