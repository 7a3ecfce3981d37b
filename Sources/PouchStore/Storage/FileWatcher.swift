import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Notices when another process writes to the log of the database file.
///
/// Linux tells by inotify, macOS by kqueue. SQLite writes its log (`-wal`) with ordinary writes and keeps its locks on
/// the other files, so that watching this one disturbs nothing.
// SAFETY: its one property is a dispatch source, which is never replaced and whose methods may be called from any thread.
final class FileWatcher: @unchecked Sendable {
  private let source: any DispatchSourceProtocol

  /// Starts to watch a file.
  /// - Parameter onWrite: called on a queue of the watcher's after one or more writes, soon but not at once.
  /// - Returns: `nil` if the system has no watch to give; changes by other processes are then not noticed live.
  init?(path: String, onWrite: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "peerpouch.watcher")
    #if canImport(Glibc)
      let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
      guard descriptor >= 0 else { return nil }
      guard inotify_add_watch(descriptor, path, UInt32(IN_MODIFY)) >= 0 else {
        close(descriptor)
        return nil
      }
      let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
      source.setEventHandler {
        var events = [UInt8](repeating: 0, count: 4096)
        while read(descriptor, &events, events.count) > 0 {}
        onWrite()
      }
    #else
      let descriptor = open(path, O_EVTONLY)
      guard descriptor >= 0 else { return nil }
      let source = DispatchSource.makeFileSystemObjectSource(
        fileDescriptor: descriptor, eventMask: [.write, .extend], queue: queue)
      source.setEventHandler(handler: onWrite)
    #endif
    source.setCancelHandler { close(descriptor) }
    source.activate()
    self.source = source
  }

  /// Ends watching. Doing so twice is harmless.
  func cancel() {
    source.cancel()
  }

  deinit {
    cancel()
  }
}
