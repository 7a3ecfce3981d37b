import PeerTrust
import PouchCore

/// The signals that one opening writes into the hub. They are deleted when it has ended.
actor SignalPost {
  private let hub: any Database
  private let options: PeerOptions
  /// With their revisions, if an answer of the hub told them.
  private var written: [DocumentID: RevisionID?] = [:]

  init(_ hub: any Database, _ options: PeerOptions) {
    self.hub = hub
    self.options = options
  }

  /// Writes a signal, again and again while the hub cannot be reached.
  /// - Throws: what does not pass by itself, `CancellationError`.
  func write(_ signal: Signal) async throws {
    let id = DocumentID(signal.id)
    var backOff = BackOff()
    var generator = options.random
    // Noted first: whoever is cancelled while it is written does not learn whether it was.
    written.updateValue(nil, forKey: id)
    while true {
      do {
        written.updateValue(try await hub.put(signal.document), forKey: id)
        return
      } catch let error as PouchError where error.code == .conflict {
        // Ids are random: it is there since an attempt of which no answer came.
        return
      } catch let error as PouchError where error.code.isTransient {
        try await options.time.sleep(backOff.next(using: &generator))
      }
    }
  }

  /// Deletes what was written and is still there. What cannot be deleted is swept later.
  func clear() async {
    let written = written
    self.written = [:]
    var leaves: [Document] = []
    for (id, revision) in written {
      guard let revision = if let revision { revision } else { try? await hub.get(id).revision } else { continue }
      leaves.append(Document(id: id, revision: revision))
    }
    await SignalFeed.delete(leaves, from: hub, options.time)
  }
}

/// Reads the signals to one recipient.
struct SignalFeed: Sendable {
  let hub: any Database
  let options: PeerOptions
  private let query: ChangesQuery
  private(set) var position: UpdateSequence

  /// - Parameters:
  ///   - recipient: a share's id, or a session's.
  ///   - position: after which the signals come.
  /// - Throws: ``PouchError`` if the recipient cannot be asked for.
  init(_ hub: any Database, to recipient: String, after position: UpdateSequence, _ options: PeerOptions) throws {
    self.hub = hub
    self.options = options
    self.position = position
    query = ChangesQuery(.live, rows: .documents, selector: try Selector(["recipient": JSON(recipient)]))
  }

  /// The next signals; suspends until there are some.
  /// - Throws: what the hub throws; `CancellationError`.
  mutating func next() async throws -> [Document] {
    while true {
      try Task.checkCancellation()
      let batch = try await hub.nextChanges(query, after: position, limit: Tuning.changesBatch)
      position = batch.lastSequence
      let documents = batch.changes.filter { !$0.isDeleted }.compactMap(\.document)
      if !documents.isEmpty { return documents }
    }
  }

  /// How long deleting may hold up the end of an opening or a share, if the hub does not answer.
  private static let farewell = Duration.seconds(5)

  /// Deletes signals that were read or are not needed any more, also where the task was cancelled.
  static func delete(_ documents: [Document], from hub: any Database, _ time: PeerTime) async {
    let tombstones = documents.compactMap { document in
      document.id.map { Document(id: $0, revision: document.revision, isDeleted: true) }
    }
    guard !tombstones.isEmpty else { return }
    // A task of its own is not cancelled with this one, which waits for it. What stays is swept later; a signal that is
    // read twice is taken once.
    await Task { _ = try? await time.limit(farewell) { try await hub.bulkDocs(tombstones) } }.value
  }
}
