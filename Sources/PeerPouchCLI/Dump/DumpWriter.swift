import PeerPouch

/// Writes a database as lines: its settings, if they are unusual, then a document for each leaf revision, followed by the
/// content of its large attachments.
///
/// Nothing in the lines depends on where or when the database was made, so that those of equal databases are equal
/// once sorted. Memory: a batch of changes, and one line.
struct DumpWriter {
  private let database: any Database
  private let output: Output
  private let progress: ProgressReport
  /// The leaf revisions written so far.
  private(set) var revisions = 0
  private var bytes: Int64 = 0

  private static let parts: DocumentParts = [.revisions, .attachments]

  init(_ database: any Database, to output: Output, _ progress: ProgressReport) {
    self.database = database
    self.output = output
    self.progress = progress
  }

  mutating func run() async throws {
    if let settings = try await SettingsLine(of: database) { try write(line: settings.encoded) }
    let query = ChangesQuery(style: .allLeaves, rows: .documents(DumpWriter.parts))
    for try await change in database.changes(query) {
      guard let winner = change.document else { continue }
      try await write(winner)
      for revision in change.revisions where revision != winner.revision { try await write(revision, of: change.id) }
      progress.update { $0.done += 1 }
    }
    // A feed just ends when it is cancelled.
    try Task.checkCancellation()
  }

  /// Writes a leaf that is not the winner. They are read one at a time: there may be many.
  private mutating func write(_ revision: RevisionID, of id: DocumentID) async throws {
    let found = try await database.openRevisions(of: id, .these([revision]), including: DumpWriter.parts)
    if let document = found.first?.document { return try await write(document) }
    // It was edited and compacted away since its change was read: what it became counts.
    for leaf in try await database.openRevisions(of: id, .all, including: DumpWriter.parts) {
      if let document = leaf.document { try await write(document) }
    }
  }

  private mutating func write(_ document: Document) async throws {
    let document = try await document.inliningAttachments(
      upTo: FileTuning.inlineAttachment, inAll: FileTuning.inlineTotal)
    try write(line: document.encoded)
    revisions += 1
    for (name, attachment) in document.attachments {
      guard case .stream(let content) = attachment.content else { continue }
      try await write(content, of: name, in: document)
    }
  }

  /// Writes the content of an attachment in pieces of one size, whatever pieces the database delivers.
  private mutating func write(_ content: ByteStream, of name: ExactString, in document: Document) async throws {
    var gathered: [UInt8] = []
    var offset: Int64 = 0
    for try await piece in content {
      gathered.append(contentsOf: piece)
      while gathered.count >= FileTuning.dumpedPiece {
        try write(gathered[..<FileTuning.dumpedPiece], at: offset, of: name, in: document)
        gathered.removeFirst(FileTuning.dumpedPiece)
        offset += Int64(FileTuning.dumpedPiece)
      }
    }
    if !gathered.isEmpty { try write(gathered[...], at: offset, of: name, in: document) }
  }

  private mutating func write(
    _ data: ArraySlice<UInt8>, at offset: Int64, of name: ExactString, in document: Document
  ) throws {
    let line = AttachmentLine(name, of: document.id, at: document.revision, offset: offset, data: Array(data))
    try write(line: line.encoded)
  }

  private mutating func write(line: [UInt8]) throws {
    // Of JSON nothing is lost by it.
    try output.write(output.isTerminal ? TerminalText.escaped(json: line) : line)
    try output.write(CollectionOfOne(0x0A))
    bytes += Int64(line.count + 1)
    progress.update { [bytes] in $0.detail = ProgressMeter.size(bytes) }
  }
}
