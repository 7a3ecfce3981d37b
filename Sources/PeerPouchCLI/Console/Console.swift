import PeerPouch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How a command talks: results to standard output, everything else to standard error.
struct Console: Sendable {
  let isJSON: Bool
  let output: Output
  let diagnostics: Diagnostics
  let interruption: Interruption
  let answers: AnswerLines
  /// This command among peers.
  let peer: CommandPeer

  init(_ options: CommonOptions, _ interruption: Interruption) {
    isJSON = options.json
    self.interruption = interruption
    answers = AnswerLines(interruption)
    output = Output(STDOUT_FILENO, interruption)
    diagnostics = Diagnostics(isJSON: options.json, isQuiet: options.quiet)
    peer = CommandPeer(diagnostics)
  }

  /// Prints columns of text, for people and for `cut`.
  ///
  /// Tabs and line breaks within a column are escaped, so that data cannot pass for structure; on a terminal also
  /// everything that would change what it shows.
  func print(_ columns: [String]) throws {
    let line = columns.map { TerminalText.escaped($0, forTerminal: output.isTerminal) }.joined(separator: "\t")
    try output.write((line + "\n").utf8)
  }

  /// Prints a line of text.
  func print(_ text: String) throws {
    try print([text])
  }

  /// Prints a line of JSON.
  func print(json: [UInt8]) throws {
    try output.write((output.isTerminal ? TerminalText.escaped(json: json) : json) + [0x0A])
  }

  /// Prints a line of JSON.
  func print(json: JSON) throws {
    try print(json: JSONText(json).bytes)
  }

  /// Prints JSON that is the whole answer: over several lines for people at a terminal, else in one.
  func print(answer: [UInt8]) throws {
    try print(json: output.isTerminal && !isJSON ? PrettyJSON.text(of: answer) : answer)
  }

  /// Asks a question, and waits for the answer without holding up anything else.
  /// - Returns: `nil` without a terminal, at the end of the input, and when the task is cancelled.
  func ask(_ question: String) async -> String? {
    guard diagnostics.canAsk else { return nil }
    answers.forget()
    // A line of its own, since others may follow before the answer.
    diagnostics.note(question)
    return await answers.next()
  }

  /// Prints what was written to a database.
  func print(written id: DocumentID, _ revision: RevisionID) throws {
    if isJSON {
      try print(json: ["ok": true, "id": JSON(id.text), "rev": JSON(revision.description)])
    } else {
      try print("\(id) \(revision)")
    }
  }

  /// A report of how far something long is.
  /// - Parameters:
  ///   - activity: what is done, as one word.
  ///   - total: how much there is to do, if known.
  func progress(_ activity: String, in unit: ProgressMeter.Unit, of total: Int64? = nil) -> ProgressReport {
    ProgressReport(ProgressMeter(activity, in: unit, of: total, start: .now), to: diagnostics)
  }
}
