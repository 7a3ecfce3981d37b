import Foundation
import PeerPouch

extension Console {
  /// Writes to a file that appears under its name only when it is complete, or to standard output.
  ///
  /// Until then it is a hidden file beside it, which is removed when anything fails. What exists and is no regular file
  /// (a pipe, a device) is written to as it is.
  /// - Parameter path: `nil` and `-` are standard output.
  func write(to path: String?, _ body: (Output) async throws -> Void) async throws {
    guard let path, path != "-", path != "/dev/stdout" else {
      try await body(output)
      return
    }
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR { throw PouchError(.ioError, "\(path) is a folder.") }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      try await write(to: path, open(path, O_WRONLY | O_CLOEXEC), body)
      return
    }
    if exists, isDatabase(path) { throw PouchError(.forbidden, "\(path) is a database, and is not written over.") }
    // A symbolic link stays one: what it leads to is replaced.
    let target = exists ? URL(fileURLWithPath: path).resolvingSymlinksInPath() : URL(fileURLWithPath: path)
    let token = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporary = target.deletingLastPathComponent()
      .appendingPathComponent(".\(target.lastPathComponent.prefix(100)).\(token).part").path
    do {
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if exists, descriptor >= 0 { _ = fchmod(descriptor, status.st_mode & 0o777) }
      try await write(to: path, descriptor, body)
      guard rename(temporary, target.path) == 0 else {
        throw Descriptor.failure(errno, "\(path) could not be written")
      }
      FolderNames.sync(of: target.path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Whether a file is one of our databases, which `dump DB FILE` may name by mistake, perhaps as its own backup.
  private func isDatabase(_ path: String) -> Bool {
    guard let file = FileHandle(forReadingAtPath: path), let start = try? file.read(upToCount: 72) else { return false }
    // SQLite's header has the mark of the application at its offset 68.
    return start.count == 72 && start.starts(with: "SQLite format 3\0".utf8)
      && start.suffix(4).elementsEqual("Pouc".utf8)
  }

  private func write(
    to path: String, _ descriptor: Int32, _ body: (Output) async throws -> Void
  ) async throws {
    guard descriptor >= 0 else { throw Descriptor.failure(errno, "\(path) could not be written") }
    defer { close(descriptor) }
    let output = Output(descriptor, interruption)
    try await body(output)
    try output.flush()
    // Pipes and devices cannot be synced, and need not be.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP else {
      throw Descriptor.failure(errno, "\(path) could not be written")
    }
  }
}
