import Foundation
import PeerPouch
import Synchronization

/// Bytes on their way to a descriptor, gathered so that a line does not cost a system call.
final class Output: Sendable {
  let descriptor: Int32
  let isTerminal: Bool
  private let interruption: Interruption
  /// How much a descriptor that is ready is sure to take without blocking; a file takes anything.
  private let step: Int
  private let buffer = Mutex<[UInt8]>([])

  private static let bufferSize = 64 << 10

  init(_ descriptor: Int32, _ interruption: Interruption) {
    self.descriptor = descriptor
    self.interruption = interruption
    isTerminal = isatty(descriptor) == 1
    step = Descriptor.isRegularFile(descriptor) ? .max : Int(PIPE_BUF)
  }

  /// - Throws: ``ClosedOutput`` when nobody reads; `PouchError` of the code `diskFull` or `ioError`;
  ///   `CancellationError` when interrupted while it waits for the reader.
  func write(_ bytes: some Collection<UInt8>) throws {
    try buffer.withLock { buffer in
      buffer.append(contentsOf: bytes)
      if buffer.count >= Output.bufferSize { try send(&buffer, .atOnce) }
    }
  }

  /// Sends what was gathered, after an interruption too, unless the reader is stuck.
  func flush() throws {
    try buffer.withLock { try send(&$0, .whenStuck) }
  }

  private func send(_ buffer: inout [UInt8], _ urgency: Interruption.Urgency) throws {
    defer { buffer.removeAll(keepingCapacity: buffer.count <= 16 * Output.bufferSize) }
    try buffer.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        try interruption.wait(for: POLLOUT, on: descriptor, urgency)
        let count = Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, min(step, rest.count))
        if count >= 0 {
          rest = rest.dropFirst(count)
        } else if errno != EINTR, errno != EAGAIN {
          throw Descriptor.failure(errno, "The output could not be written")
        }
      }
    }
  }
}

/// Small things that are done with descriptors.
enum Descriptor {
  /// Whether the descriptor is a file, which is always ready.
  static func isRegularFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Puts something in the place of standard input, output and errors that were closed by who started the command.
  ///
  /// Else the next file opened, such as a database, would get their numbers, and be read from or written to. What is put
  /// there cannot be used: reading standard input, or writing to the others, fails as it would have.
  static func occupyStandardOnes() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) == -1 {
      // Files get the lowest number that is free, which is this one.
      _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Writes what may be lost when nobody reads it.
  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
      }
    }
  }

  /// What a failed system call means.
  static func failure(_ number: Int32, _ what: String) -> any Error {
    if number == EPIPE { return ClosedOutput() }
    let reason = "\(what): \(String(cString: strerror(number)))."
    return PouchError(number == ENOSPC || number == EDQUOT ? .diskFull : .ioError, reason)
  }
}
