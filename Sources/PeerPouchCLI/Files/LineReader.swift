import Foundation
import Synchronization

/// The lines of a file, read without holding more of it than the line and one piece.
final class LineReader: Sendable {
  struct Line: Sendable {
    /// Counted from 1.
    let number: Int
    /// Without the line break.
    let bytes: [UInt8]
  }

  private struct State {
    var buffer: [UInt8] = []
    /// Where the next line starts in the buffer.
    var start = 0
    var number = 0
    /// How many bytes were handed out.
    var consumed: Int64 = 0
    var isAtEnd = false
  }

  private let file: InputFile
  private let limit: Int
  private let state = Mutex(State())

  init(_ file: InputFile, limit: Int = FileTuning.lineLimit) {
    self.file = file
    self.limit = limit
  }

  /// How many bytes of the file have been handed out.
  var consumed: Int64 { state.withLock { $0.consumed } }

  /// The number of the line read last.
  var number: Int { state.withLock { $0.number } }

  /// Whether the next line, or a part of it, or the end is there now or soon.
  /// - Parameter patience: how long to wait for it, in milliseconds.
  func hasMore(within patience: Int32) throws -> Bool {
    try state.withLock { state in
      if state.isAtEnd || LineReader.newline(in: state.buffer, from: state.start) != nil { return true }
      return try file.isReady(within: patience)
    }
  }

  /// The next line; `nil` at the end. The last line need not end with a line break.
  /// - Throws: ``MalformedLine`` for a line over the limit, and what reading throws.
  func next() throws -> Line? {
    try state.withLock { state in
      var searched = state.start
      while true {
        if let newline = LineReader.newline(in: state.buffer, from: searched) {
          return LineReader.take(&state, upTo: newline, through: newline + 1)
        }
        guard state.buffer.count - state.start <= limit else {
          throw MalformedLine(number: state.number + 1, reason: "The line has more than \(limit >> 20) MiB.")
        }
        if state.isAtEnd {
          guard state.start < state.buffer.count else { return nil }
          return LineReader.take(&state, upTo: state.buffer.count, through: state.buffer.count)
        }
        state.buffer.removeSubrange(..<state.start)
        state.start = 0
        searched = state.buffer.count
        let piece = try file.read(upTo: FileTuning.pieceSize)
        state.isAtEnd = piece.isEmpty
        state.buffer.append(contentsOf: piece)
      }
    }
  }

  private static func newline(in buffer: [UInt8], from start: Int) -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard start < bytes.count, let base = bytes.baseAddress,
        let found = memchr(base + start, 0x0A, bytes.count - start)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  private static func take(_ state: inout State, upTo end: Int, through next: Int) -> Line {
    state.number += 1
    state.consumed += Int64(next - state.start)
    defer { state.start = next }
    return Line(number: state.number, bytes: Array(state.buffer[state.start..<end]))
  }
}

/// A line of a dump that cannot be what it should be.
struct MalformedLine: Error, CustomStringConvertible {
  let number: Int
  let reason: String

  var description: String { "line \(number): \(reason)" }
}
