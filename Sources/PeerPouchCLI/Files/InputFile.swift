import Foundation
import PeerPouch

/// A file, or standard input, read piece by piece.
final class InputFile: Sendable {
  private let descriptor: Int32
  private let path: String
  private let interruption: Interruption

  /// - Parameter path: `-` is standard input.
  /// - Throws: `PouchError` of the code `ioError` if the file cannot be opened, or is a folder.
  init(_ path: String, _ interruption: Interruption) throws {
    self.path = path == "-" ? "Standard input" : path
    self.interruption = interruption
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Descriptor.failure(errno, "\(path) could not be opened") }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw PouchError(.ioError, "\(path) is a folder.")
    }
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// The bytes that are still to be read, if that can be known.
  var size: Int64? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return max(0, Int64(status.st_size) - Int64(lseek(descriptor, 0, SEEK_CUR)))
  }

  /// Whether there is more to read, or the end, now or soon.
  /// - Parameter patience: how long to wait for it, in milliseconds.
  /// - Throws: `CancellationError` when interrupted before or meanwhile.
  func isReady(within patience: Int32) throws -> Bool {
    try interruption.wait(for: POLLIN, on: descriptor, atMost: patience)
  }

  /// Some of the next bytes; none at the end.
  /// - Throws: `CancellationError` when interrupted while it waits.
  func read(upTo count: Int) throws -> [UInt8] {
    while true {
      try interruption.wait(for: POLLIN, on: descriptor)
      var failure: Int32 = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
        if count < 0 { failure = errno }
        filled = max(0, count)
      }
      if failure == 0 { return bytes }
      guard failure == EINTR || failure == EAGAIN else {
        throw Descriptor.failure(failure, "\(path) could not be read")
      }
    }
  }

  /// All of the bytes.
  /// - Throws: `PouchError` of the code `documentTooLarge` if there are more than so many.
  func all(upTo limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try read(upTo: FileTuning.pieceSize)
      if piece.isEmpty { return bytes }
      guard bytes.count + piece.count <= limit else {
        throw PouchError(.documentTooLarge, "\(path) has more than \(limit >> 20) MiB.")
      }
      bytes.append(contentsOf: piece)
    }
  }

  /// The bytes as a stream, which can be read once.
  var stream: ByteStream {
    ByteStream {
      {
        let piece = try self.read(upTo: FileTuning.pieceSize)
        return piece.isEmpty ? nil : piece
      }
    }
  }
}

/// Sizes of what is read and written, each with its reason.
enum FileTuning {
  /// Bytes per read: what the database stores as one row of an attachment.
  static let pieceSize = 256 << 10
  /// The longest document that is read, with the attachments in it. A dump keeps its lines well below this: bodies of
  /// 8 MiB, and ``inlineTotal`` of attachments as base64.
  static let lineLimit = 64 << 20
  /// Attachments of more stored bytes follow their document in a dump, in lines of their own.
  static let inlineAttachment: Int64 = 64 << 10
  /// How many bytes of attachments stand within one line of a dump; those beyond follow as well, so that a document
  /// with any number of small ones needs no more memory.
  static let inlineTotal: Int64 = 4 << 20
  /// Bytes of an attachment per line of a dump.
  static let dumpedPiece = 256 << 10
  /// How many documents are loaded in one transaction, unless ``batchBytes`` comes first.
  static let batchDocuments = 500
  /// How many bytes of lines are loaded in one transaction.
  static let batchBytes = 4 << 20
  /// How many milliseconds may pass without a line before those that came are loaded: long enough for a program that
  /// is busy writing them, short enough for people and feeds.
  static let batchPatience: Int32 = 100
}
