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

  /// Deletes what was written and is still there, also where the task was cancelled. What cannot be deleted is swept later.
  func clear() async {
    let (hub, written) = (hub, written)
    self.written = [:]
    guard !written.isEmpty else { return }
    _ = try? await options.time.lastly {
      var tombstones: [Document] = []
      for (id, known) in written {
        var revision = known
        if revision == nil { revision = try? await hub.get(id).revision }
        guard let revision else { continue }
        tombstones.append(Document(id: id, revision: revision, isDeleted: true))
      }
      if !tombstones.isEmpty { _ = try await hub.bulkDocs(tombstones) }
    }
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
      let documents = try await signals(query)
      if !documents.isEmpty { return documents }
    }
  }

  /// Signals that are there; perhaps none. It does not wait for any.
  /// - Throws: what the hub throws.
  mutating func present() async throws -> [Document] {
    var query = query
    query.feed = .once
    return try await signals(query)
  }

  private mutating func signals(_ query: ChangesQuery) async throws -> [Document] {
    let batch = try await hub.nextChanges(query, after: position, limit: Tuning.changesBatch)
    position = batch.lastSequence
    return batch.changes.filter { !$0.isDeleted }.compactMap(\.document)
  }

  /// Deletes signals that were read or are not needed any more, also where the task was cancelled.
  static func delete(_ documents: [Document], from hub: any Database, _ time: PeerTime) async {
    let tombstones = documents.compactMap { document in
      document.id.map { Document(id: $0, revision: document.revision, isDeleted: true) }
    }
    guard !tombstones.isEmpty else { return }
    // What stays is swept later; a signal that is read twice is taken once.
    _ = try? await time.lastly { try await hub.bulkDocs(tombstones) }
  }
}
