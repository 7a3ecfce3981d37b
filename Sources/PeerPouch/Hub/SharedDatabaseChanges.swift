import PeerTrust
import PouchCore

/// What happens to the list of shared databases.
public enum SharedDatabaseChange: Sendable, Hashable {
  /// It is there: was when the feed began, or has come.
  case added(SharedDatabase)
  /// Its name, info, access or gate is another one.
  case updated(SharedDatabase)
  /// It is not shared any more, or its sharer was not heard of for longer than its lease. This is what was last known.
  case removed(SharedDatabase)
}

/// The shared databases of a hub, and what happens to them, without a gap between the two.
///
/// The feed ends when its task is cancelled or the hub's database is closed. While the hub cannot be reached it waits,
/// and goes on from where it was. Errors that do not pass by themselves are thrown.
public struct SharedDatabaseChanges: AsyncSequence, Sendable {
  public typealias Element = SharedDatabaseChange

  let reader: ShareReader

  public func makeAsyncIterator() -> Iterator { Iterator(reader) }

  public struct Iterator: AsyncIteratorProtocol {
    private let reader: ShareReader
    private let query: ChangesQuery
    private var position: UpdateSequence?
    private var known: [DocumentID: SharedDatabase] = [:]
    private var due: ArraySlice<SharedDatabaseChange> = []
    private var backOff = BackOff()

    init(_ reader: ShareReader) {
      self.reader = reader
      query = ChangesQuery(.live, rows: .documents(.conflicts), selector: try? Selector(ShareReader.selector))
    }

    /// The next change; `nil` at the end.
    public mutating func next() async throws -> SharedDatabaseChange? {
      while due.isEmpty {
        do {
          try await fill()
          backOff.reset()
        } catch let error as PouchError where error.code == .cancelled || error == .closed {
          return nil
        } catch is CancellationError {
          return nil
        } catch let error as PouchError where error.code.isTransient {
          var generator = reader.peer.options.random
          guard (try? await reader.peer.options.time.sleep(backOff.next(using: &generator))) != nil else { return nil }
        }
      }
      return due.popFirst()
    }

    private mutating func fill() async throws {
      guard let position else {
        // Read before the list, so that nothing is between the two; what is in both shows as no change.
        let start = try await reader.hub.info().updateSequence
        for shared in try await reader.list() { take(shared, DocumentID(shared.id)) }
        self.position = start
        return
      }
      let (reader, query) = (reader, query)
      let wait = known.values.map(reader.remaining).min() ?? .seconds(24 * 60 * 60)
      // A lease that runs out is no change of the hub.
      let batch = try await reader.peer.options.time.limit(Swift.max(wait, .zero)) {
        try await reader.hub.nextChanges(query, after: position, limit: Tuning.changesBatch)
      }
      for change in batch?.changes ?? [] { try await take(change) }
      if let batch { self.position = batch.lastSequence }
      for (id, shared) in known where reader.isExpired(shared) { remove(id) }
    }

    private mutating func take(_ change: Change) async throws {
      guard !change.isDeleted, let document = change.document else { return remove(change.id) }
      guard let shared = try await reader.read(document), !reader.isExpired(shared) else {
        // What is not valid says nothing; the last valid record holds until its lease is over.
        return
      }
      take(shared, change.id)
    }

    private mutating func take(_ shared: SharedDatabase, _ id: DocumentID) {
      let before = known.updateValue(shared, forKey: id)
      if let before {
        if !shared.looksLike(before) { due.append(.updated(shared)) }
      } else {
        due.append(.added(shared))
      }
    }

    private mutating func remove(_ id: DocumentID) {
      if let shared = known.removeValue(forKey: id) { due.append(.removed(shared)) }
    }
  }
}
