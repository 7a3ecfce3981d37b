import ArgumentParser
import Foundation
import PeerPouch
import Synchronization

/// Standard error: failures, notes, and the one line of status that a terminal shows at the bottom.
final class Diagnostics: Sendable {
  /// How progress is shown.
  enum Style: Sendable {
    /// Not at all.
    case none
    /// A line that is written over again and again.
    case status
    /// Now and then a line.
    case lines
    /// Now and then a line of JSON.
    case json
  }

  let style: Style
  private let isJSON: Bool
  private let isTerminal: Bool
  private let hasStatus = Mutex(false)

  init(isJSON: Bool, isQuiet: Bool) {
    self.isJSON = isJSON
    isTerminal = isatty(STDERR_FILENO) == 1
    style = isQuiet ? .none : isJSON ? .json : isTerminal ? .status : .lines
  }

  /// Reports a failure in CouchDB's words.
  func report(_ error: any Error) {
    switch error {
    case let error as PouchError: report(error.code.name, error.explanation)
    case let error as UsageError: report("usage", error.reason)
    case let error as MalformedLine: report("malformed", error.description)
    // These were reported where they arose, or are no failures.
    case is CancellationError, is ClosedOutput, is ReportedFailure: break
    default: report("error", PeerPouchCommand.message(for: error))
    }
  }

  /// Reports a failure.
  /// - Parameters:
  ///   - place: what it is about, for people.
  ///   - details: the same for machines.
  func report(_ error: String, _ reason: String, place: String? = nil, details: JSON.Object = [:]) {
    if isJSON {
      var object: JSON.Object = ["error": JSON(error), "reason": JSON(reason)]
      for (name, value) in details { object[name] = value }
      line(JSON.object(object).text)
    } else {
      line("peerpouch: \(place.map { $0 + ": " } ?? "")\(error): \(reason)")
    }
  }

  /// Tells something that is no failure.
  func note(_ text: String) {
    line(isJSON ? JSON.object(["note": JSON(text)]).text : "peerpouch: \(text)")
  }

  /// Writes a line of a log.
  func log(_ message: String, _ details: [(name: String, value: String)]) {
    line(isJSON ? Diagnostics.json(of: message, details).text : Diagnostics.sentence(of: message, details))
  }

  static func sentence(of message: String, _ details: [(name: String, value: String)]) -> String {
    let shown = details.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
    return message + (shown.isEmpty ? "" : " (\(shown))")
  }

  static func json(of message: String, _ details: [(name: String, value: String)]) -> JSON {
    var object: JSON.Object = ["log": JSON(message)]
    for (name, value) in details { object[ExactString(name)] = JSON(value) }
    return .object(object)
  }

  /// Whether somebody is there to answer.
  var canAsk: Bool { isTerminal && isatty(STDIN_FILENO) == 1 }

  /// Asks a question and returns the answer; `nil` without a terminal. Nothing else happens meanwhile.
  func ask(_ question: String, _ interruption: Interruption) throws -> String? {
    guard canAsk else { return nil }
    Descriptor.write(Array(TerminalText.escaped(question, forTerminal: true).utf8), to: STDERR_FILENO)
    let lines = LineReader(try InputFile("-", interruption))
    return try lines.next().map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
  }

  /// Writes a line, above the status.
  func line(_ text: String) {
    hasStatus.withLock { hasStatus in
      let clear = hasStatus ? "\r\u{1B}[K" : ""
      hasStatus = false
      let escaped = TerminalText.escaped(text, forTerminal: isTerminal)
      Descriptor.write(Array("\(clear)\(escaped)\n".utf8), to: STDERR_FILENO)
    }
  }

  /// Rewrites the status.
  func status(_ text: String) {
    hasStatus.withLock { hasStatus in
      hasStatus = true
      let escaped = TerminalText.escaped(text, forTerminal: true)
      Descriptor.write(Array("\r\(escaped.prefix(columns - 1))\u{1B}[K".utf8), to: STDERR_FILENO)
    }
  }

  /// Removes the status.
  func clearStatus() {
    hasStatus.withLock { hasStatus in
      if hasStatus { Descriptor.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
      hasStatus = false
    }
  }

  private var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
    return Int(size.ws_col)
  }
}
