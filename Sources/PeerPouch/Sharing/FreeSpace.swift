import PouchCore
import PouchStore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How much space is left on the disk of a database.
struct FreeSpace: Sendable {
  private let path: String?

  init(of database: any Database) {
    path = (database as? LocalDatabase)?.path
  }

  /// The bytes that are left; `nil` if that is not known.
  var bytes: Int64? {
    guard let path else { return nil }
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
  }
}
