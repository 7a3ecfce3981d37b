import ArgumentParser
import Foundation
import PeerPouch

struct Receive: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Takes the files that somebody offers with 'peerpouch send'.",
    discussion: """
      Shows who offers what, and takes it: each file under a temporary name until all of it is there and its SHA-256 is \
      what was announced. A file that is there already is not written over without --force, or a yes at the terminal; one \
      with the very content counts as received. \
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
    let choice: Choice
  }

  private enum Choice: Hashable {
    case taken(IncomingFile.Presence)
    /// It is there with the very content, perhaps since the last time, and was not confirmed then.
    case kept
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
      let name: IncomingName
      do throws(PouchError) {
        name = try self.name(of: file, among: wanted)
      } catch {
        failures.append(refuse(file, error))
        continue
      }
      do {
        wanted.append(Wanted(file: file, name: name, choice: try await choose(file, name)))
      } catch let error as PouchError where error.isOfOneFile {
        failures.append(refuse(file, error))
      }
    }
    let coming = wanted.reduce(0) { $0 + ($1.choice == .kept ? 0 : $1.file.size) }
    let progress = console.progress("receive", in: .bytes, of: coming)
    var receipt = try await FileReceipt(to: database)
    var unconfirmed: PouchError?
    for wanted in wanted {
      let digest: String
      do {
        digest = try await take(wanted, progress)
      } catch let error as PouchError where error.isOfOneFile {
        failures.append(refuse(wanted.file, error))
        continue
      }
      do {
        try await receipt.confirm(wanted.file.id, sha256: digest)
        unconfirmed = nil
      } catch let error as PouchError where error.code != .cancelled {
        // The file is here. The next receipt has it, too.
        unconfirmed = error
      }
    }
    progress.finish()
    if let unconfirmed {
      throw PouchError(
        unconfirmed.code, "What was received could not be confirmed to the sender: \(unconfirmed.reason)",
        underlying: unconfirmed)
    }
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
        object["warning"] = PeerText.warning(share.standing).map { JSON($0) }
      }
      try console.print(json: .object(object))
      return try console.output.flush()
    }
    let owner = database.share.map { "\($0.identity.short) (\(PeerText.standing($0.standing)))" }
    console.diagnostics.note(
      "\(owner ?? "Somebody") offers \(ProgressMeter.counted(files.count, "file")), \(ProgressMeter.size(total)):")
    if let warning = database.share.flatMap({ PeerText.warning($0.standing) }) {
      console.diagnostics.note("warning: \(warning)")
    }
    for file in files { console.diagnostics.note("  \(PeerText.plain(file.name)), \(ProgressMeter.size(file.size))") }
  }

  /// - Throws: `PouchError` of the code `forbidden` if files of such a name are not taken.
  private func name(of file: FileDocuments.File, among others: [Wanted]) throws(PouchError) -> IncomingName {
    let name: IncomingName
    do throws(IncomingName.Refusal) {
      name = try IncomingName(file.name)
    } catch {
      throw PouchError(.forbidden, "It is not taken: \(error.reason).")
    }
    guard !others.contains(where: { $0.name.likeness == name.likeness }) else {
      throw PouchError(.forbidden, "It is not taken: another file has its name.")
    }
    return name
  }

  /// Decides whether a file is taken.
  /// - Throws: `PouchError` of the code `conflict` if another one is there and stays; what asking the sender throws.
  private func choose(_ file: FileDocuments.File, _ name: IncomingName) async throws -> Choice {
    guard presence == .kept, IncomingFile.exists(name, in: folder) else { return .taken(presence) }
    if let digest = try await IncomingFile.digest(name, in: folder, size: file.size),
      try await describe(file).file.sha256 == digest
    {
      return .kept
    }
    guard await console.ask("\(name.text) is there already. Type yes to write over it:") == "yes" else {
      try Task.checkCancellation()
      throw PouchError(.conflict, "\(folder)/\(name.text) is there already; --force writes over it.")
    }
    return .taken(.replaced)
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
    let (described, revision) = try await describe(wanted.file)
    guard let attachment = described.attachment, let announced = described.sha256 else {
      throw PouchError(.badResponse, "It is not what was offered.")
    }
    if case .taken(let presence) = wanted.choice {
      let incoming = try IncomingFile(wanted.name, in: folder, size: described.size)
      let download = try await database.getAttachment(attachment, of: described.id, at: revision)
      let digest = try await incoming.write(download.content, upTo: described.size) { count in
        progress.update { $0.done += count }
      }
      guard digest == announced else {
        throw PouchError(.digestMismatch, "What came is not what was offered: its SHA-256 is another one.")
      }
      try incoming.finish(presence)
    }
    let path = "\(folder)/\(wanted.name.text)"
    console.diagnostics.clearStatus()
    if console.isJSON {
      try console.print(
        json: [
          "event": "file", "id": JSON(described.id.text), "name": JSON(described.name), "path": JSON(path),
          "size": JSON(described.size), "sha256": JSON(announced),
        ])
    } else {
      try console.print([path, ProgressMeter.size(described.size), announced])
    }
    try console.output.flush()
    return announced
  }

  /// What the sender says of a file, once it has read it.
  private func describe(_ offered: FileDocuments.File) async throws -> (file: FileDocuments.File, RevisionID?) {
    let document = try await document(of: offered.id)
    let described = try FileDocuments.file(of: document)
    guard described.name == offered.name, described.size == offered.size else {
      throw PouchError(.badResponse, "It is not what was offered.")
    }
    return (described, document.revision)
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

extension PouchError {
  /// Whether the other files of an offer may come all the same.
  fileprivate var isOfOneFile: Bool {
    switch code {
    case .conflict, .digestMismatch, .badResponse, .notFound, .ioError: true
    default: false
    }
  }
}
