import ArgumentParser
import Foundation
import PeerPouch

struct Send: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Hands files over to another peer.",
    discussion: """
      Prints a ticket, and waits for who takes the files with 'peerpouch receive TICKET'. It ends when all of them were \
      received and verified. The files are read where they are; no copy is made. The ticket belongs to the first who uses \
      it, and is good for 24 hours while the command runs.

      With --to the files are put into somebody's database instead, a document for each with the file as its attachment: \
      of a share that takes them, as with 'peerpouch share DB --inbox'.
      """)

  @OptionGroup var common: CommonOptions
  @Argument(help: "The files.") var files: [String]
  @Option(
    help: ArgumentHelp("A share or ticket to put the files into; - reads it from standard input.", valueName: "share"))
  var to: DatabaseName?
  @OptionGroup var connection: ConnectionOptions

  func perform(_ console: Console) async throws {
    try checkNames()
    if let to { return try await put(into: to, console) }
    let outbox = try await FileOutbox(files, contentType: MediaType.of)
    let hubName = try connection.chosenHub
    let peer = try console.peer.peer(connection)
    let hub = try await HubPatience(console).open(hubName, connection)
    let share = try await HubPatience(console).wait {
      try await hub.shareDatabase(
        outbox, name: "files", info: ["type": "files"], access: .readOnly, gate: Gate(takesTickets: true),
        ticketLifetime: TrustLimits.sendTicketLife, as: peer)
    }
    let offering = Offering(outbox, share, console)
    do {
      try offering.begin()
      try await offering.run()
    } catch {
      // In a task that is not cancelled: the share is to disappear from the hub.
      await Task { await share.end() }.value
      throw error
    }
    await share.end()
  }

  /// - Throws: `PouchError` of the code `badRequest` for files whose names nobody would take.
  private func checkNames() throws {
    for path in files {
      do throws(IncomingName.Refusal) {
        _ = try IncomingName(URL(fileURLWithPath: path).lastPathComponent)
      } catch {
        throw PouchError(.badRequest, "\(path) would not be taken: \(error.reason).")
      }
    }
  }

  // MARK: Into an inbox

  private func put(into place: DatabaseName, _ console: Console) async throws {
    let place = try place.resolved(console)
    let offered = try files.map { ($0, try InputFile($0, console.interruption).size ?? 0) }
    try await place.open(.mustExist, DatabaseOpener(console, connection)) { database in
      // Each is read for its digest, and then again.
      let progress = console.progress("send", in: .bytes, of: offered.reduce(0) { $0 + 2 * $1.1 })
      for (path, size) in offered {
        let id = DocumentID("file-\(UUID().uuidString.lowercased())")
        let type = MediaType.of(path)
        let document = try await FileDocuments.inboxDocument(for: path, as: id, contentType: type) { count in
          progress.update { $0.done += count }
        }
        let revision = try await database.put(document)
        console.diagnostics.clearStatus()
        if console.isJSON {
          try console.print(
            json: ["event": "file", "id": JSON(id.text), "rev": JSON(revision.description), "size": JSON(size)])
        } else {
          try console.print([path, ProgressMeter.size(size), id.text])
        }
      }
      progress.finish()
    }
  }
}
