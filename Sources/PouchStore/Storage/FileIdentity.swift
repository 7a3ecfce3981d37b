import CPlatform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Recognises a database file that was copied or restored from a backup.
///
/// A copy has another inode. A backup written over the file has the same one, but not the token that the file system
/// keeps with the inode (an extended attribute) and that changes with every session that writes. Where there are no
/// extended attributes, only the inode tells.
///
/// Nothing here opens the file: closing it would drop the locks that SQLite holds on it in this process.
enum FileIdentity {
  private static let attribute = "user.peerpouch.token"

  /// The inode number, as text.
  static func inode(of path: String) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { return "" }
    return String(status.st_ino)
  }

  /// The token kept with the inode; empty if there is none, `nil` if the file system keeps none.
  static func token(of path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 64)
    #if canImport(Glibc)
      let count = getxattr(path, attribute, &buffer, buffer.count)
      let isAbsent = count < 0 && errno == ENODATA
    #else
      let count = getxattr(path, attribute, &buffer, buffer.count, 0, 0)
      let isAbsent = count < 0 && errno == ENOATTR
    #endif
    if count >= 0 { return String(decoding: buffer[..<count], as: UTF8.self) }
    return isAbsent ? "" : nil
  }

  /// Keeps a token with the inode.
  /// - Returns: whether the file system took it.
  static func setToken(_ token: String, of path: String) -> Bool {
    let bytes = Array(token.utf8)
    #if canImport(Glibc)
      return setxattr(path, attribute, bytes, bytes.count, 0) == 0
    #else
      return setxattr(path, attribute, bytes, bytes.count, 0, 0) == 0
    #endif
  }
}

/// Shows other processes that this one has the database open, and tells whether it is alone.
///
/// A shared advisory lock (`flock`) on the log file: it ends with the process, however that ends. SQLite uses record
/// locks (`fcntl`) on other files, which are independent of it.
final class FilePresence: Sendable {
  private let descriptor: Int32

  /// - Parameter path: the log file, which exists as long as a connection is open.
  init?(path: String) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    flock(descriptor, LOCK_SH)
  }

  deinit {
    close(descriptor)
  }

  /// Runs something while no other process can have the database open, if none has.
  /// - Returns: whether it was run.
  func withoutOthers(_ body: () throws -> Void) rethrows -> Bool {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      // A failed conversion may have dropped the shared lock.
      flock(descriptor, LOCK_SH)
      return false
    }
    defer { flock(descriptor, LOCK_SH) }
    try body()
    return true
  }
}
