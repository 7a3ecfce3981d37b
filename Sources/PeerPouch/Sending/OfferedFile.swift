import Crypto
import Foundation
import PouchCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A file of this machine that is offered to another peer.
final class OfferedFile: Sendable {
  let id: DocumentID
  /// What it is called: the last part of its path.
  let name: String
  let path: String
  let contentType: String
  let state: FileState

  /// What shows that a file is the one that was offered, with the same contents.
  struct FileState: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64
    let size: Int64
    let seconds: Int
    let nanoseconds: Int

    init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      #if canImport(Darwin)
        (seconds, nanoseconds) = (status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec)
      #else
        (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
      #endif
    }
  }

  /// The digests of a file's contents.
  struct Digests: Sendable {
    /// In hexadecimal.
    let sha256: String
    /// As CouchDB writes it: `md5-` and base64.
    let md5: String
  }

  /// - Throws: ``PouchError/Code/ioError`` if it is no file that can be read.
  init(_ path: String, as id: DocumentID, contentType: String) throws(PouchError) {
    self.id = id
    self.path = path
    self.contentType = contentType
    name = URL(fileURLWithPath: path).lastPathComponent
    var status = stat()
    guard stat(path, &status) == 0 else { throw OfferedFile.problem(path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw PouchError(.ioError, "\(path) is a folder, and only files are sent.")
    default: throw PouchError(.ioError, "\(path) is no regular file.")
    }
    guard access(path, R_OK) == 0 else { throw OfferedFile.problem(path) }
    state = FileState(status)
  }

  private static func problem(_ path: String) -> PouchError {
    PouchError(.ioError, "\(path) could not be read: \(String(cString: strerror(errno))).")
  }

  /// The name of the attachment: the file's, unless CouchDB has no such names.
  var attachmentName: String { name.hasPrefix("_") ? "file" : name }

  /// How much is read at once, in bytes.
  private static let piece = 256 << 10

  /// Reads all of the file.
  /// - Parameter progress: hears how many bytes were read since it heard last.
  /// - Throws: ``PouchError/Code/ioError`` if it cannot be read, or is another one by now; `CancellationError`.
  @concurrent
  func digests(_ progress: @escaping @Sendable (Int64) -> Void) async throws -> Digests {
    var sha256 = SHA256()
    var md5 = Insecure.MD5()
    // Not by `content`: Swift 6.3.1 miscompiles a loop over that stream here when it optimises.
    let file = try OpenFile(self)
    var position: Int64 = 0
    while position < state.size {
      try Task.checkCancellation()
      let piece = try file.read(at: position, upTo: Int(min(Int64(OfferedFile.piece), state.size - position)))
      sha256.update(data: piece)
      md5.update(data: piece)
      position += Int64(piece.count)
      progress(Int64(piece.count))
      await Task.yield()
    }
    return Digests(
      sha256: Hexadecimal.text(sha256.finalize()),
      md5: "md5-" + Data(md5.finalize()).base64EncodedString())
  }

  /// Some of the file's bytes, straight from the disk.
  /// - Parameter progress: hears how many bytes were read since it heard last.
  func content(_ range: Range<Int64>, _ progress: @escaping @Sendable (Int64) -> Void = { _ in }) -> ByteStream {
    ByteStream(seekable: { offset in
      var position = range.lowerBound + offset
      var file: OpenFile?
      return {
        guard position < range.upperBound else { return nil }
        let open = if let file { file } else { try OpenFile(self) }
        file = open
        let bytes = try open.read(at: position, upTo: Int(min(Int64(OfferedFile.piece), range.upperBound - position)))
        position += Int64(bytes.count)
        progress(Int64(bytes.count))
        return bytes
      }
    })
  }

  /// The file, open; closed when it is dropped.
  private final class OpenFile: Sendable {
    private let file: OfferedFile
    private let descriptor: Int32

    init(_ file: OfferedFile) throws(PouchError) {
      self.file = file
      descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw OfferedFile.problem(file.path) }
      do throws(PouchError) {
        try check()
      } catch {
        close(descriptor)
        throw error
      }
    }

    deinit { close(descriptor) }

    private func check() throws(PouchError) {
      var status = stat()
      guard fstat(descriptor, &status) == 0, FileState(status) == file.state else {
        throw PouchError(.ioError, "\(file.path) has changed since it was offered.")
      }
    }

    /// - Throws: ``PouchError/Code/ioError``, also if the file is another one or shorter by now.
    func read(at offset: Int64, upTo count: Int) throws(PouchError) -> [UInt8] {
      while true {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
          let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
          if count < 0 { failure = errno }
          filled = max(0, count)
        }
        if failure == EINTR { continue }
        guard failure == 0 else {
          errno = failure
          throw OfferedFile.problem(file.path)
        }
        try check()
        guard !bytes.isEmpty else { throw PouchError(.ioError, "\(file.path) has changed since it was offered.") }
        return bytes
      }
    }
  }
}
