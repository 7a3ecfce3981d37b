import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Notices when another process commits to the database file.
///
/// Linux tells of writes to the log (`-wal`) by inotify, macOS by kqueue. SQLite keeps its locks on the other files, so
/// that watching this one disturbs nothing. But a write to the log is not yet a commit: the commit shows only after
/// the log was synced to the disk, and that makes no event. So after an event the watcher looks again and again, at
/// growing intervals, until some seconds have passed without another event. Seeing one commit is no reason to stop: the
/// event of the next may have come already. While nothing is written the watcher does nothing.
// SAFETY: `giveUp` is used on `queue` only; the source is never replaced, and its methods may be called
// from any thread.
final class FileWatcher: @unchecked Sendable {
  /// In milliseconds.
  private static let longestInterval = 100
  private static let patience = DispatchTimeInterval.seconds(10)

  private let queue = DispatchQueue(label: "peerpouch.watcher")
  private let source: any DispatchSourceProtocol
  private let sawCommit: @Sendable () -> Bool
  /// When to stop looking; `nil` while nothing is expected.
  private var giveUp: DispatchTime?

  /// Starts to watch a file.
  /// - Parameter sawCommit: looks for commits and tells whether there were any; called on a queue of the watcher's.
  /// - Returns: `nil` if the system has no watch to give; changes by other processes are then not noticed live.
  init?(path: String, sawCommit: @escaping @Sendable () -> Bool) {
    self.sawCommit = sawCommit
    #if canImport(Glibc)
      let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
      guard descriptor >= 0 else { return nil }
      guard inotify_add_watch(descriptor, path, UInt32(IN_MODIFY)) >= 0 else {
        close(descriptor)
        return nil
      }
      source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
      source.setEventHandler { [weak self] in
        var events = [UInt8](repeating: 0, count: 4096)
        while read(descriptor, &events, events.count) > 0 {}
        self?.expectCommit()
      }
    #else
      let descriptor = open(path, O_EVTONLY)
      guard descriptor >= 0 else { return nil }
      source = DispatchSource.makeFileSystemObjectSource(
        fileDescriptor: descriptor, eventMask: [.write, .extend], queue: queue)
      source.setEventHandler { [weak self] in self?.expectCommit() }
    #endif
    source.setCancelHandler { close(descriptor) }
    source.activate()
  }

  /// Ends watching. Doing so twice is harmless.
  func cancel() {
    source.cancel()
  }

  deinit {
    cancel()
  }

  private func expectCommit() {
    let isLooking = giveUp != nil
    giveUp = .now() + FileWatcher.patience
    // Those who wait should not have to until the end of a long interval.
    if isLooking { _ = sawCommit() } else { look(after: 1) }
  }

  private func look(after milliseconds: Int) {
    guard let limit = giveUp, !source.isCancelled else { return }
    guard limit > .now() else {
      giveUp = nil
      return
    }
    let interval = sawCommit() ? 1 : milliseconds
    queue.asyncAfter(deadline: .now() + .milliseconds(interval)) { [weak self] in
      self?.look(after: min(2 * interval, FileWatcher.longestInterval))
    }
  }
}
