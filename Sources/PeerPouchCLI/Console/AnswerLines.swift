import Foundation
import Synchronization

/// Lines of standard input as answers to questions. They are read from the first question on, on a thread of their own, since
/// reading blocks. One task waits for them at a time.
final class AnswerLines: Sendable {
  private struct State {
    var isReading = false
    var lines: [String] = []
    var isAtEnd = false
    var waiter: CheckedContinuation<String?, Never>?
  }

  private let state = Mutex(State())
  private let read: @Sendable (AnswerLines) -> Void

  /// In bytes; an answer has some 60. A longer line counts as an empty one.
  private static let longest = 1 << 10
  /// How many lines wait at most; those beyond are lost.
  private static let bound = 16

  /// - Parameter read: gives the lines to ``take(_:)``, and then calls ``end()``.
  init(_ read: @escaping @Sendable (AnswerLines) -> Void) {
    self.read = read
  }

  /// The lines of standard input.
  convenience init(_ interruption: Interruption) {
    self.init { answers in
      DispatchQueue(label: "peerpouch.answers").async {
        if let input = try? InputFile("-", interruption) { answers.takeLines(of: input) }
        answers.end()
      }
    }
  }

  private func takeLines(of input: InputFile) {
    var line: [UInt8] = []
    while let piece = try? input.read(upTo: AnswerLines.longest), !piece.isEmpty {
      for byte in piece {
        if byte == 0x0A {
          take(line.count > AnswerLines.longest ? "" : String(decoding: line, as: UTF8.self))
          line = []
        } else if line.count <= AnswerLines.longest {
          line.append(byte)
        }
      }
    }
    if !line.isEmpty { take(String(decoding: line, as: UTF8.self)) }
  }

  /// Drops what was typed before a question: it is no answer to it.
  func forget() { state.withLock { $0.lines = [] } }

  /// The next line; `nil` at the end of the input, or when the task is cancelled.
  func next() async -> String? {
    let isFirst = state.withLock { state in
      defer { state.isReading = true }
      return !state.isReading
    }
    if isFirst { read(self) }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let known = state.withLock { state -> String?? in
          if Task.isCancelled { return .some(nil) }
          if !state.lines.isEmpty { return state.lines.removeFirst() }
          if state.isAtEnd { return .some(nil) }
          state.waiter = continuation
          return nil
        }
        if let known { continuation.resume(returning: known) }
      }
    } onCancel: {
      state.withLock { AnswerLines.takeWaiter(&$0) }?.resume(returning: nil)
    }
  }

  private static func takeWaiter(_ state: inout State) -> CheckedContinuation<String?, Never>? {
    defer { state.waiter = nil }
    return state.waiter
  }

  func take(_ line: String) {
    let waiter = state.withLock { state in
      let waiter = AnswerLines.takeWaiter(&state)
      if waiter == nil, state.lines.count < AnswerLines.bound { state.lines.append(line) }
      return waiter
    }
    waiter?.resume(returning: line)
  }

  func end() {
    let waiter = state.withLock { state in
      state.isAtEnd = true
      return AnswerLines.takeWaiter(&state)
    }
    waiter?.resume(returning: nil)
  }
}
