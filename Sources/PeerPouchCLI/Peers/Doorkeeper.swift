import PeerPouch

/// Asks at the terminal who is let into a share. Those who come meanwhile wait in line.
///
/// Answers are lines of standard input: `yes` (also when it comes again), `once` or `no`, and the beginning of the fingerprint that
/// is meant. Where a line could be about somebody else, because others wait, or because a question went unanswered before, who
/// is let in has to be named: whoever comes right after somebody else must not get the answer to that one. The end of the
/// input refuses whoever comes.
actor Doorkeeper {
  /// What is to be shown.
  enum Message: Sendable {
    case question(RemoteRequest, Answer.Naming)
    case note(String)
  }

  private let answers: AnswerLines
  private let show: @Sendable (Message) -> Void
  /// Whether somebody is being asked about, and who waits for that to end.
  private var isBusy = false
  private var line: [(key: Int, continuation: CheckedContinuation<Bool, Never>)] = []
  private var nextKey = 0
  /// Whether a question has gone unanswered, whose answer may still come.
  private var isAnswerDue = false

  init(_ answers: AnswerLines, show: @escaping @Sendable (Message) -> Void) {
    self.answers = answers
    self.show = show
  }

  /// - Parameter own: the sharer's identity, for comparing.
  init(_ console: Console, _ own: Fingerprint) {
    self.init(console.answers) { message in
      switch message {
      case .question(let remote, let naming): console.ask(about: remote, own, naming)
      case .note(let text): console.diagnostics.note(text)
      }
    }
  }

  var isSomebodyWaiting: Bool { !line.isEmpty }

  private var naming: Answer.Naming { isAnswerDue || isSomebodyWaiting ? .required : .optional }

  /// Decides about a remote: prevents it unless the answer is yes.
  func decide(on remote: RemoteRequest) async {
    guard await enter() else { return remote.preventDefault() }
    switch await answer(about: remote) {
    case .yes: remote.remember()
    case .once: break
    case .no, .unnamed, .aboutAnother, .unclear: remote.preventDefault()
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
    answers.forget()
    show(.question(remote, naming))
    while let line = await answers.next() {
      // Others may have come since the question.
      let answer = Answer(line, about: remote.identity, naming)
      switch answer {
      case .no: return answer
      case .yes, .once:
        isAnswerDue = false
        return answer
      case .unnamed: show(.note("Say whom you mean: \(Answer.example(remote.identity))"))
      case .aboutAnother: show(.note("That answer is about somebody else."))
      case .unclear: show(.note("Type yes, once or no."))
      }
    }
    isAnswerDue = true
    show(.note("\(remote.identity.short) was not answered, and is refused."))
    return .no
  }

  /// What a line says.
  enum Answer: Sendable, Hashable {
    case yes
    /// Yes, but it is asked again when the same identity comes again.
    case once
    case no
    /// Yes or once, but not about whom.
    case unnamed
    case aboutAnother
    case unclear

    /// Whether it has to be said whom an answer lets in.
    enum Naming: Sendable, Hashable {
      case optional
      case required
    }

    /// How many characters of a fingerprint name somebody: with fewer it would be easy to make a key that has them, too.
    static let named = 8

    /// An answer that names whom it is about.
    static func example(_ identity: Fingerprint) -> String { "yes \(identity.short.prefix(named + 1))" }

    init(_ line: String, about identity: Fingerprint, _ naming: Naming = .optional) {
      let words = line.lowercased().split(whereSeparator: \.isWhitespace)
      guard let first = words.first, words.count <= 2 else {
        self = .unclear
        return
      }
      if words.count == 2 {
        let named = words[1].filter { $0 != "-" }
        guard named.count >= Answer.named, identity.text.hasPrefix(named) else {
          self = .aboutAnother
          return
        }
      }
      let isUnnamed = words.count == 1 && naming == .required
      switch first {
      case "yes", "y": self = isUnnamed ? .unnamed : .yes
      case "once": self = isUnnamed ? .unnamed : .once
      case "no", "n": self = .no
      default: self = .unclear
      }
    }
  }
}

extension Console {
  /// Shows who wants in.
  fileprivate func ask(about remote: RemoteRequest, _ own: Fingerprint, _ naming: Doorkeeper.Answer.Naming) {
    let warning = PeerText.warning(remote.standing)
    guard !isJSON else {
      var object: JSON.Object = [
        "event": "asking", "identity": JSON(remote.identity.text), "short": JSON(remote.identity.short),
        "own": JSON(own.text), "info": remote.info, "known": JSON(remote.standing == .known),
        "must_name": JSON(naming == .required),
      ]
      object["warning"] = warning.map { JSON($0) }
      try? print(json: .object(object))
      try? output.flush()
      return
    }
    let name = PeerText.name(in: remote.info).map { ", calls itself \($0)" } ?? ""
    diagnostics.note(
      "\(remote.identity.short) wants in (\(PeerText.standing(remote.standing))\(name)). You are \(own.short).")
    if let warning { diagnostics.note("warning: \(warning)") }
    switch naming {
    case .optional: diagnostics.note("Compare both, then type yes, once or no:")
    case .required:
      diagnostics.note(
        "Compare both, then type yes, once or no, and whom you mean, as in \(Doorkeeper.Answer.example(remote.identity)):"
      )
    }
  }
}
