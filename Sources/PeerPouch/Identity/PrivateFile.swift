import Foundation
package import PouchCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The names of files, beside what is in them.
package enum FolderNames {
  /// Has the name of a file that was just made, or got another name, survive a power cut. Nothing happens on file systems that
  /// cannot do this.
  package static func sync(of path: String) {
    let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}

/// A small file that only its owner may read and write (mode 0600), such as a private key.
///
/// It is always replaced as a whole: whoever reads it sees the old or the new contents.
package struct PrivateFile: Sendable {
  package let path: String

  package init(path: String) {
    self.path = path
  }

  /// The contents; `nil` if there is no such file.
  /// - Throws: ``PouchError/Code/forbidden`` if others can read the file, ``PouchError/Code/ioError``.
  package func read() throws(PouchError) -> [UInt8]? {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw problem("could not be read")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw PouchError(.forbidden, "Others can read \(path); it has to be private (chmod 600).")
    }
    guard let data = FileManager.default.contents(atPath: path) else { throw problem("could not be read") }
    return Array(data)
  }

  /// Replaces the contents, or makes the file.
  /// - Throws: ``PouchError/Code/ioError``.
  func write(_ bytes: [UInt8]) throws(PouchError) {
    let temporary = try writeTemporary(bytes)
    guard rename(temporary, path) == 0 else {
      unlink(temporary)
      throw problem("could not be written")
    }
    FolderNames.sync(of: path)
  }

  /// Makes the file unless it is there: of several processes that do so at once, one succeeds.
  /// - Returns: whether it was made.
  /// - Throws: ``PouchError/Code/ioError``.
  func create(_ bytes: [UInt8]) throws(PouchError) -> Bool {
    let temporary = try writeTemporary(bytes)
    defer { unlink(temporary) }
    if link(temporary, path) == 0 {
      FolderNames.sync(of: path)
      return true
    }
    guard errno == EEXIST else { throw problem("could not be made") }
    return false
  }

  /// Reads, changes and writes while no other process does so.
  /// - Throws: ``PouchError/Code/ioError``.
  package func update(_ change: ([UInt8]?) throws(PouchError) -> [UInt8]) throws(PouchError) {
    let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw problem("could not be locked") }
    // Closing gives the lock up.
    defer { close(lock) }
    guard flock(lock, LOCK_EX) == 0 else { throw problem("could not be locked") }
    try write(try change(try read()))
  }

  /// Removes the file if it is there.
  func remove() {
    unlink(path)
  }

  private func writeTemporary(_ bytes: [UInt8]) throws(PouchError) -> String {
    let temporary = "\(path).\(UInt64.random(in: .min ... .max))"
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw problem("could not be made") }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else { break }
      rest = rest.dropFirst(count)
    }
    let isWhole = rest.isEmpty && fsync(file) == 0
    guard close(file) == 0, isWhole else {
      unlink(temporary)
      throw problem("could not be written")
    }
    return temporary
  }

  private func problem(_ what: String) -> PouchError {
    PouchError(.ioError, "\(path) \(what): \(String(cString: strerror(errno)))")
  }
}
