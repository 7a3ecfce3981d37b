import PeerPouch

/// Writes the documents of a dump, or plain ones, in batches. Memory: a batch, or a document with its parts as they pass.
struct Loader {
  private let database: any Database
  private let lines: LineReader
  private let progress: ProgressReport
  private let diagnostics: Diagnostics
  private var reader: DumpReader
  private var histories: HistoryLimit
  private var batch: [(document: Document, line: Int)] = []
  private var batchStart: Int64 = 0

  /// The documents that were written, or were there already.
  private(set) var loaded = 0
  /// The documents that could not be written; each was reported.
  private(set) var failed = 0
  private var conflicts = 0

  init(_ database: any Database, from lines: LineReader, _ progress: ProgressReport, _ diagnostics: Diagnostics) {
    self.database = database
    self.lines = lines
    self.progress = progress
    self.diagnostics = diagnostics
    reader = DumpReader(lines, progress)
    histories = HistoryLimit(of: database)
  }

  /// Whether documents failed, and each because there is another edit.
  var hasOnlyConflicts: Bool { failed > 0 && conflicts == failed }

  /// Loads all lines.
  /// - Throws: ``MalformedLine``, after what was before that line is loaded; what reading and the database throw.
  mutating func run() async throws {
    do {
      try await loadLines()
    } catch {
      try? await histories.restore()
      throw error
    }
    try await histories.restore()
  }

  private mutating func loadLines() async throws {
    while let entry = try await next() {
      switch entry {
      case .settings(let settings):
        try await writeBatch()
        try await take(settings)
      case .document(let document):
        try await histories.makeRoom(for: document)
        if let mode = batch.first?.document.loadMode, mode != document.loadMode { try await writeBatch() }
        batch.append((document, reader.number))
        let isFull = batch.count >= FileTuning.batchDocuments || lines.consumed - batchStart >= FileTuning.batchBytes
        if isFull { try await writeBatch() }
      case .documentAndLines(let document):
        try await writeBatch()
        try await histories.makeRoom(for: document)
        if try await isKnown(document) {
          loaded += 1
          reader.abandon(document)
        } else if try await !write([(document, reader.number)]) {
          reader.abandon(document)
        }
      case .refused(let id, let error):
        refuse(id, error, line: reader.number)
      }
    }
    try await writeBatch()
  }

  private mutating func take(_ settings: SettingsLine) async throws {
    guard let change = try await histories.take(settings.revsLimit) else { return }
    diagnostics.note("revs_limit was raised from \(change.before) to \(change.after), that of the dump.")
  }

  /// Whether the database has this very revision, so that its attachments need not be written again.
  private func isKnown(_ document: Document) async throws -> Bool {
    guard let id = document.id, let revision = document.revision else { return false }
    return try await database.revsDiff([id: [revision]]).isEmpty
  }

  private mutating func next() async throws -> DumpReader.Entry? {
    do {
      try Task.checkCancellation()
      // What a feed or a person wrote is not kept waiting for a batch to fill.
      if !batch.isEmpty, try !lines.hasMore(within: FileTuning.batchPatience) { try await writeBatch() }
      return try reader.next()
    } catch let error as MalformedLine {
      try await writeBatch()
      throw error
    }
  }

  private mutating func writeBatch() async throws {
    defer { batchStart = lines.consumed }
    guard !batch.isEmpty else { return }
    let documents = batch
    batch.removeAll(keepingCapacity: true)
    try await write(documents)
  }

  /// Writes documents of one mode.
  /// - Returns: whether all of them were written.
  @discardableResult
  private mutating func write(_ documents: [(document: Document, line: Int)]) async throws -> Bool {
    guard let mode = documents.first?.document.loadMode else { return true }
    let results = try await database.bulkDocs(documents.map(\.document), mode)
    let failedBefore = failed
    for (result, source) in zip(results, documents) {
      switch result.outcome {
      case .success: loaded += 1
      case .failure(let error): refuse(source.document.id, error, line: source.line)
      }
    }
    progress.update { [loaded, consumed = lines.consumed] meter in
      meter.done = consumed
      meter.detail = ProgressMeter.counted(loaded, "document")
    }
    return failed == failedBefore
  }

  private mutating func refuse(_ id: DocumentID?, _ error: PouchError, line: Int) {
    failed += 1
    if error.code == .conflict { conflicts += 1 }
    var details: JSON.Object = ["line": JSON(line)]
    if let id { details["id"] = JSON(id.text) }
    diagnostics.report(
      error.code.name, error.explanation, place: "line \(line)\(id.map { ": \($0)" } ?? "")", details: details)
  }
}

extension Document {
  /// Documents with a revision are copies of it; others are new edits.
  fileprivate var loadMode: WriteMode { revision == nil ? .edits : .replicated }
}
