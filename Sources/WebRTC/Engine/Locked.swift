#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A value that threads take turns with.
///
/// A mutex of pthreads, because ThreadSanitizer does not know that of the module Synchronization on every toolchain, and
/// reports races where there are none.
final class Locked<Value: Sendable>: @unchecked Sendable {
  // SAFETY: `value` is touched only while `mutex` is held.
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    let result = pthread_mutex_init(mutex, nil)
    precondition(result == 0, "A mutex cannot be made.")
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deinitialize(count: 1)
    mutex.deallocate()
  }

  func withLock<Result, Failure: Error>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
