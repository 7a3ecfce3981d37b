import Foundation
import PeerPouch
import Synchronization

/// Asks at the terminal who is let into a share. Those who come meanwhile wait in line.
///
/// Answers are lines of standard input: `yes` (also when it comes again), `once` or `no`, and the beginning of the fingerprint that is meant, if the answer is
/// to be about nobody else. The end of the input refuses whoever comes.
actor Doorkeeper {
  private let console: Console
  private let own: Fingerprint
  private let answers: AnswerLines
  /// Whether somebody is being asked about, and who waits for that to end.
  private var isBusy = false
  private var line: [(key: Int, continuation: CheckedContinuation<Bool, Never>)] = []
  private var nextKey = 0

  init(_ console: Console, _ own: Fingerprint) {
    self.console = console
    self.own = own
    answers = AnswerLines(console.interruption)
  }

  /// Decides about a remote: prevents it unless the answer is yes.
  func decide(on remote: RemoteRequest) async {
    guard await enter() else { return remote.preventDefault() }
    switch await answer(about: remote) {
    case .yes: remote.remember()
    case .once: break
    case .no, .aboutAnother, .unclear: remote.preventDefault()
    }
    if line.isEmpty { isBusy = false } else { line.removeFirst().continuation.resume(returning: true) }
  }

  /// Suspends until nobody else is being asked about.
  /// - Returns: `false` if the task was cancelled before: the time to decide is over.
  private func enter() async -> Bool {
    guard isBusy else {
      isBusy = true
      return true
    }
    nextKey += 1
    let key = nextKey
    return await withTaskCancellationHandler {
      await withCheckedContinuation { line.append((key, $0)) }
    } onCancel: {
      Task { await self.giveUp(key) }
    }
  }

  private func giveUp(_ key: Int) {
    guard let index = line.firstIndex(where: { $0.key == key }) else { return }
    line.remove(at: index).continuation.resume(returning: false)
  }

  private func answer(about remote: RemoteRequest) async -> Answer {
    guard !Task.isCancelled else { return .no }
    // What was typed before the question was no answer to it.
    answers.forget()
    show(remote)
    while let line = await answers.next() {
      let answer = Answer(line, about: remote.identity)
      switch answer {
      case .yes, .once, .no: return answer
      case .aboutAnother: console.diagnostics.note("That answer is about somebody else.")
      case .unclear: console.diagnostics.note("Type yes, once or no.")
      }
    }
    console.diagnostics.note("\(remote.identity.short) was not answered, and is refused.")
    return .no
  }

  private func show(_ remote: RemoteRequest) {
    let warning: String? =
      switch remote.standing {
      case .known, .new: nil
      case .nameOfOthers(let others): "the name is known of \(others.map(\.short).joined(separator: ", "))"
      }
    let standing = remote.standing == .known ? "met before" : "never met"
    guard !console.isJSON else {
      var object: JSON.Object = [
        "event": "asking", "identity": JSON(remote.identity.text), "short": JSON(remote.identity.short),
        "own": JSON(own.text), "info": remote.info, "known": JSON(remote.standing == .known),
      ]
      object["warning"] = warning.map { JSON($0) }
      try? console.print(json: .object(object))
      try? console.output.flush()
      return
    }
    let name = PeerText.name(in: remote.info).map { ", calls itself \($0)" } ?? ""
    console.diagnostics.note("\(remote.identity.short) wants in (\(standing)\(name)). You are \(own.short).")
    if let warning { console.diagnostics.note("warning: \(warning)") }
    console.diagnostics.note("Compare both, then type yes, once or no:")
  }

  /// What a line says.
  enum Answer: Sendable, Hashable {
    case yes
    /// Yes, but it is asked again when the same identity comes again.
    case once
    case no
    case aboutAnother
    case unclear

    init(_ line: String, about identity: Fingerprint) {
      let words = line.lowercased().split(whereSeparator: \.isWhitespace)
      guard let first = words.first, words.count <= 2 else {
        self = .unclear
        return
      }
      if words.count == 2 {
        let named = words[1].filter { $0 != "-" }
        guard named.count >= 4, identity.text.hasPrefix(named) else {
          self = .aboutAnother
          return
        }
      }
      switch first {
      case "yes", "y": self = .yes
      case "once": self = .once
      case "no", "n": self = .no
      default: self = .unclear
      }
    }
  }
}

/// Lines of standard input, read on a thread of their own, since reading blocks. One task waits for them at a time.
private final class AnswerLines: Sendable {
  private struct State {
    var lines: [String] = []
    var isAtEnd = false
    var waiter: CheckedContinuation<String?, Never>?
  }

  private let state = Mutex(State())

  init(_ interruption: Interruption) {
    DispatchQueue(label: "peerpouch.answers").async { [self] in
      if let input = try? InputFile("-", interruption) {
        let reader = LineReader(input, limit: AnswerLines.longest)
        while let line = try? reader.next() { take(String(decoding: line.bytes, as: UTF8.self)) }
      }
      end()
    }
  }

  /// In bytes; an answer has some 60.
  private static let longest = 1 << 10
  /// How many lines wait at most; those beyond are lost.
  private static let bound = 16

  /// Drops what was read and not asked for.
  func forget() { state.withLock { $0.lines = [] } }

  /// The next line; `nil` at the end of the input, or when the task is cancelled.
  func next() async -> String? {
    await withTaskCancellationHandler {
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
      takeWaiter()?.resume(returning: nil)
    }
  }

  private func takeWaiter() -> CheckedContinuation<String?, Never>? {
    state.withLock { state in
      defer { state.waiter = nil }
      return state.waiter
    }
  }

  private func take(_ line: String) {
    if let waiter = takeWaiter() { return waiter.resume(returning: line) }
    state.withLock { if $0.lines.count < AnswerLines.bound { $0.lines.append(line) } }
  }

  private func end() {
    state.withLock { $0.isAtEnd = true }
    takeWaiter()?.resume(returning: nil)
  }
}
