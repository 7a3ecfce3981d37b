import Crypto
import Foundation
import PeerPouch

/// A file that is coming in: under a hidden temporary name in its folder until all of it is there and verified.
final class IncomingFile: Sendable {
  private let folder: String
  private let name: IncomingName
  private let temporary: String
  private let descriptor: Int32

  /// Begins a file.
  /// - Throws: `PouchError` of the code `ioError`, or `diskFull` if there is no room for so many bytes.
  init(_ name: IncomingName, in folder: String, size: Int64) throws {
    self.folder = folder
    self.name = name
    var status = statvfs()
    if statvfs(folder, &status) == 0 {
      let (room, isHuge) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
      guard isHuge || UInt64(size) <= room else {
        throw PouchError(.diskFull, "There is no room for \(name.text) in \(folder).")
      }
    }
    let token = String(UInt64.random(in: .min ... .max), radix: 36)
    temporary = "\(folder)/.peerpouch-\(token).part"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Descriptor.failure(errno, "\(folder) cannot be written to") }
  }

  /// What is not complete leaves nothing behind.
  deinit {
    close(descriptor)
    unlink(temporary)
  }

  var path: String { "\(folder)/\(name.text)" }

  /// Whether something is there under the name.
  static func exists(_ name: IncomingName, in folder: String) -> Bool {
    var status = stat()
    return lstat("\(folder)/\(name.text)", &status) == 0
  }

  /// The SHA-256 of the file that is there under the name, in hexadecimal.
  /// - Returns: `nil` if it is no regular file, has another size, or cannot be read.
  @concurrent
  static func digest(_ name: IncomingName, in folder: String, size: Int64) async throws -> String? {
    let path = "\(folder)/\(name.text)"
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size) == size,
      let file = FileHandle(forReadingAtPath: path)
    else { return nil }
    defer { try? file.close() }
    var sha256 = SHA256()
    while let piece = try? file.read(upToCount: FileTuning.pieceSize), !piece.isEmpty {
      try Task.checkCancellation()
      sha256.update(data: piece)
    }
    return Hexadecimal.text(sha256.finalize())
  }

  /// Writes all of a stream.
  /// - Returns: the SHA-256 of what was written, in hexadecimal.
  /// - Throws: what the stream and the disk throw; `PouchError` of the code `badResponse` if it has more bytes than so
  ///   many.
  @concurrent
  func write(_ content: ByteStream, upTo size: Int64, _ progress: @Sendable (Int64) -> Void) async throws -> String {
    var sha256 = SHA256()
    var written: Int64 = 0
    for try await piece in content {
      try Task.checkCancellation()
      written += Int64(piece.count)
      guard written <= size else { throw PouchError(.badResponse, "\(name.text) is longer than was said.") }
      try write(piece)
      sha256.update(data: piece)
      progress(Int64(piece.count))
    }
    return Hexadecimal.text(sha256.finalize())
  }

  private func write(_ piece: [UInt8]) throws {
    try piece.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if errno != EINTR {
          throw Descriptor.failure(errno, "\(path) could not be written")
        }
      }
    }
  }

  /// What to do if there is a file of that name by now.
  enum Presence: Sendable {
    case kept
    case replaced
  }

  /// Gives the file its name.
  /// - Throws: `PouchError` of the code `conflict` if there is one of that name and it is kept; `ioError`.
  func finish(_ presence: Presence) throws {
    guard fsync(descriptor) == 0 else { throw Descriptor.failure(errno, "\(path) could not be written") }
    switch presence {
    case .replaced:
      guard rename(temporary, path) == 0 else { throw Descriptor.failure(errno, "\(path) could not be written") }
    case .kept:
      // Unlike a rename this never replaces.
      guard link(temporary, path) != 0 else { break }
      if errno == EEXIST { throw PouchError(.conflict, "\(path) is there already.") }
      // Some file systems have no links.
      var status = stat()
      guard lstat(path, &status) != 0 else { throw PouchError(.conflict, "\(path) is there already.") }
      guard rename(temporary, path) == 0 else { throw Descriptor.failure(errno, "\(path) could not be written") }
    }
    // The sender is told that the file is here, and may delete its own.
    FolderNames.sync(of: path)
  }
}
