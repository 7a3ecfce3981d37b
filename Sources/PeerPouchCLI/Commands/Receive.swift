import ArgumentParser
import Foundation
import PeerPouch

struct Receive: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Takes the files that somebody offers with 'peerpouch send'.",
    discussion: """
      Shows who offers what, and takes it: each file under a temporary name until all of it is there and its SHA-256 is \
      what was announced. A file that is there already is not written over without --force, or a yes at the terminal. \
      Names that would leave the folder, are hidden, or have control characters are refused; 'peerpouch fetch' takes such \
      a file under another name.

      A connection that is lost is made again, and the file goes on where it was. Nothing incomplete stays behind. Exits \
      with 4 if all that was left out is there already, with 1 if anything else was not taken.
      """)

  @OptionGroup var common: CommonOptions
  @Argument(help: "The ticket, or the URL of the share; - reads it from standard input.") var ticket: DatabaseName
  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to put the files into.", valueName: "folder"))
  var output = "."
  @Flag(help: "Write over files that are there.") var force = false
  @OptionGroup var connection: ConnectionOptions

  func perform(_ console: Console) async throws {
    let ticket = try ticket.resolved(console)
    guard PeerPlace.isMeant(by: ticket.text) else {
      throw PouchError(.illegalDatabaseName, "This is neither a ticket nor the URL of a share.")
    }
    var status = stat()
    guard stat(output, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw PouchError(.notFound, "There is no folder \(output).")
    }
    try await ticket.open(.mustExist, DatabaseOpener(console, connection)) { database in
      guard let database = database as? PeerDatabase else { throw PouchError(.internalError) }
      let receiving = Receiving(database, into: output, force ? .replaced : .kept, console)
      try await database.whileItsOwnerIsThere { try await receiving.run() }
    }
  }
}

extension PeerDatabase {
  /// How long an owner may be away before it counts as gone, beyond what requests wait.
  private static let absence = Duration.seconds(60)

  /// Runs work, and cancels it when the owner has been away for long.
  /// - Throws: what the work throws; `PouchError` of the code `unreachable` if the owner is gone.
  func whileItsOwnerIsThere(_ work: @escaping @Sendable () async throws -> Void) async throws {
    let states = connection
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await work() }
      group.addTask {
        var since: ContinuousClock.Instant?
        var reason = ""
        while true {
          if states.present.isConnected { since = nil } else { since = since ?? .now }
          if case .reconnecting(let text) = states.present { reason = text }
          if let since, .now - since > PeerDatabase.absence {
            throw PouchError(.unreachable, "The sender is gone: \(reason)")
          }
          try await Task.sleep(for: .seconds(1))
        }
      }
      try await group.next()
    }
  }
}

/// Takes the files of one offer.
private struct Receiving: Sendable {
  private let database: PeerDatabase
  private let folder: String
  private let presence: IncomingFile.Presence
  private let console: Console

  init(_ database: PeerDatabase, into folder: String, _ presence: IncomingFile.Presence, _ console: Console) {
    self.database = database
    self.folder = folder
    self.presence = presence
    self.console = console
  }

  /// A file that is wanted.
  private struct Wanted {
    let file: FileDocuments.File
    let name: IncomingName
    let presence: IncomingFile.Presence
  }

  func run() async throws {
    let offer: Document
    do {
      offer = try await database.get(FileDocuments.offerID)
    } catch let error as PouchError where error.code == .notFound {
      throw PouchError(.notFound, "This share offers no files.")
    }
    let files = try FileDocuments.files(of: offer)
    try announce(files)
    var failures: [Int32] = []
    var wanted: [Wanted] = []
    for file in files {
      do {
        wanted.append(try choose(file, among: wanted))
      } catch let error as PouchError {
        failures.append(refuse(file, error))
      }
    }
    let progress = console.progress("receive", in: .bytes, of: wanted.reduce(0) { $0 + $1.file.size })
    var receipt = try await Receipt(database)
    for wanted in wanted {
      do {
        let digest = try await take(wanted, progress)
        try await receipt.confirm(wanted.file.id, digest)
      } catch let error as PouchError where error.isOfOneFile {
        failures.append(refuse(wanted.file, error))
      }
    }
    progress.finish()
    guard let first = failures.first else { return }
    throw ReportedFailure(exitCode: failures.allSatisfy { $0 == first } ? first : ExitCodes.failure)
  }

  /// Shows who offers what.
  private func announce(_ files: [FileDocuments.File]) throws {
    let total = files.reduce(0) { $0 + $1.size }
    guard !console.isJSON else {
      var object: JSON.Object = [
        "event": "offer",
        "files": .array(files.map { ["id": JSON($0.id.text), "name": JSON($0.name), "size": JSON($0.size)] }),
        "size": JSON(total),
      ]
      if let share = database.share {
        object["identity"] = JSON(share.identity.text)
        object["known"] = JSON(share.standing == .known)
      }
      try console.print(json: .object(object))
      return try console.output.flush()
    }
    let owner = database.share.map { "\($0.identity.short) (\($0.standing == .known ? "met before" : "never met"))" }
    console.diagnostics.note(
      "\(owner ?? "Somebody") offers \(ProgressMeter.counted(files.count, "file")), \(ProgressMeter.size(total)):")
    for file in files { console.diagnostics.note("  \(PeerText.plain(file.name)), \(ProgressMeter.size(file.size))") }
  }

  /// Decides whether a file is taken.
  /// - Throws: `PouchError` if it is not.
  private func choose(_ file: FileDocuments.File, among others: [Wanted]) throws -> Wanted {
    let name: IncomingName
    do throws(IncomingName.Refusal) {
      name = try IncomingName(file.name)
    } catch {
      throw PouchError(.forbidden, "It is not taken: \(error.reason).")
    }
    guard !others.contains(where: { $0.name.text == name.text }) else {
      throw PouchError(.forbidden, "It is not taken: another file has its name.")
    }
    guard presence == .kept, IncomingFile.exists(name, in: folder) else {
      return Wanted(file: file, name: name, presence: presence)
    }
    let question = "\(name.text) is there already. Write over it? Type yes: "
    guard try console.diagnostics.ask(question, console.interruption) == "yes" else {
      throw PouchError(.conflict, "\(folder)/\(name.text) is there already; --force writes over it.")
    }
    return Wanted(file: file, name: name, presence: .replaced)
  }

  private func refuse(_ file: FileDocuments.File, _ error: PouchError) -> Int32 {
    let name = PeerText.plain(file.name)
    console.diagnostics.report(
      error.code.name, error.explanation, place: name, details: ["id": JSON(file.id.text), "name": JSON(file.name)])
    return error.code == .conflict ? ExitCodes.conflict : ExitCodes.failure
  }

  /// Takes a file.
  /// - Returns: its SHA-256.
  private func take(_ wanted: Wanted, _ progress: ProgressReport) async throws -> String {
    let document = try await document(of: wanted.file.id)
    let described = try FileDocuments.file(of: document)
    guard described.name == wanted.file.name, described.size == wanted.file.size, let attachment = described.attachment
    else { throw PouchError(.badResponse, "It is not what was offered.") }
    let incoming = try IncomingFile(wanted.name, in: folder, size: described.size)
    let download = try await database.getAttachment(attachment, of: described.id, at: document.revision)
    let digest = try await incoming.write(download.content, upTo: described.size) { count in
      progress.update { $0.done += count }
    }
    guard digest == described.sha256 else {
      throw PouchError(.digestMismatch, "What came is not what was offered: its SHA-256 is another one.")
    }
    try incoming.finish(wanted.presence)
    console.diagnostics.clearStatus()
    if console.isJSON {
      try console.print(
        json: [
          "event": "file", "id": JSON(described.id.text), "name": JSON(described.name), "path": JSON(incoming.path),
          "size": JSON(described.size), "sha256": JSON(digest),
        ])
    } else {
      try console.print([incoming.path, ProgressMeter.size(described.size), digest])
    }
    try console.output.flush()
    return digest
  }

  /// The document of a file: the sender may still be reading the file to know its digest.
  private func document(of id: DocumentID) async throws -> Document {
    do {
      return try await database.get(id)
    } catch let error as PouchError where error.code == .notFound {
      for try await change in database.changes(ChangesQuery(.live, rows: .documents, ids: [id])) {
        if let document = change.document { return document }
      }
      throw CancellationError()
    }
  }
}

/// What this receiver confirms to the sender.
private struct Receipt: Sendable {
  private let database: PeerDatabase
  private var digests: [DocumentID: String] = [:]
  private var revision: RevisionID?

  /// Goes on from what was confirmed before.
  init(_ database: PeerDatabase) async throws {
    self.database = database
    do {
      let document = try await database.get(FileDocuments.receiptID)
      revision = document.revision
      for (id, digest) in document["files"]?.object ?? [:] { digests[DocumentID(id.string)] = digest.string }
    } catch let error as PouchError where error.code == .notFound {
      // Nothing was.
    }
  }

  mutating func confirm(_ id: DocumentID, _ digest: String) async throws {
    digests[id] = digest
    revision = try await database.put(FileDocuments.receipt(digests, replacing: revision))
  }
}

extension PouchError {
  /// Whether the other files of an offer may come all the same.
  fileprivate var isOfOneFile: Bool {
    switch code {
    case .conflict, .digestMismatch, .badResponse, .notFound, .ioError: true
    default: false
    }
  }
}
