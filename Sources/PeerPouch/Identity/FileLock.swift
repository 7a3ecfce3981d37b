import PouchCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Shows other processes, and other peers of this one, that something is in use. It is given up when it is dropped, and when
/// the process ends, however that happens.
final class FileLock: Sendable {
  private let path: String
  private let descriptor: Int32

  private init(_ path: String, _ descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    // While it is locked: who opened the file before finds that it is not the one of this name any more.
    unlink(path)
    close(descriptor)
  }

  /// - Returns: `nil` if somebody else has it.
  /// - Throws: ``PouchError/Code/ioError``.
  static func take(_ path: String) throws(PouchError) -> FileLock? {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        throw PouchError(.ioError, "\(path) could not be made: \(String(cString: strerror(errno))).")
      }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        close(descriptor)
        return nil
      }
      var (locked, named) = (stat(), stat())
      if fstat(descriptor, &locked) == 0, stat(path, &named) == 0, locked.st_ino == named.st_ino {
        return FileLock(path, descriptor)
      }
      // Whoever had it has removed it meanwhile.
      close(descriptor)
    }
  }
}
