import PouchCore

/// How far a compaction is.
public struct CompactionProgress: Sendable, Hashable {
  public enum Phase: String, Sendable, Hashable {
    /// Dropping bodies of old revisions.
    case revisions
    /// Dropping attachments without a user.
    case attachments
    /// Giving pages back to the file system.
    case space
  }

  public let phase: Phase
  /// How much of ``total`` is done: revisions, attachments or pages.
  public let done: Int
  public let total: Int
}

extension LocalDatabase {
  public func compact() async throws {
    try await compact { _ in }
  }

  /// Drops the bodies of old revisions and what only they used, and gives the space back; other readers and writers
  /// get their turn in between. When a compaction is running already, this returns at once.
  /// - Parameter progress: called after each step.
  @concurrent
  public func compact(progress: @Sendable (CompactionProgress) -> Void) async throws {
    let store = try store
    guard store.beginCompaction() else { return }
    defer { store.endCompaction() }
    try await dropSupersededBodies(store, progress)
    try await sweepBlobs(store, progress)
    try await giveBackSpace(store, progress)
  }

  /// Starts a compaction in the background when the policy says so.
  func compactIfDue(_ store: Store) {
    guard options.compaction == .automatic else { return }
    store.compactInBackground(moreThan: StoreTuning.automaticCompaction) { [weak self] in
      // What fails here is tried again when the next ones have gathered.
      guard let self, let info = try? await info(),
        let superseded = try? store.readOnce({ try $0.count("superseded") }), superseded > info.documentCount
      else { return }
      try? await compact()
    }
  }

  private func dropSupersededBodies(
    _ store: Store, _ progress: @Sendable (CompactionProgress) -> Void
  ) async throws {
    let total = try store.readOnce { try $0.count("superseded") }
    var done = 0
    while true {
      try Task.checkCancellation()
      let dropped = try await store.write { transaction in
        let connection = transaction.connection
        let select = try connection.statement("SELECT seq FROM superseded LIMIT ?1")
          .bind(1, Int64(StoreTuning.compactionBatch))
        var sequences: [Int64] = []
        while try select.step() { sequences.append(select.int(0)) }
        for sequence in sequences { try RevisionRow.delete(sequence, connection) }
        return sequences.count
      }
      done += dropped
      progress(CompactionProgress(phase: .revisions, done: done, total: max(total, done)))
      if dropped < StoreTuning.compactionBatch { return }
    }
  }

  private func sweepBlobs(_ store: Store, _ progress: @Sendable (CompactionProgress) -> Void) async throws {
    let doomed = try await store.write { transaction in
      let connection = transaction.connection
      func doom(idle: Int64) throws {
        let pinned = store.pins.pinned
        for blob in try BlobTable.orphans(idle: idle, connection) where !pinned.contains(blob) {
          try BlobTable.doom(blob, connection)
        }
      }
      // Other processes may be reading or uploading what nothing refers to.
      if try !store.withoutOtherProcesses({ try doom(idle: 0) }) { try doom(idle: StoreTuning.orphanSeconds) }
      return try BlobTable.doomed(connection)
    }
    for (index, blob) in doomed.enumerated() {
      var isGone = false
      while !isGone {
        try Task.checkCancellation()
        isGone = try await store.write { try BlobTable.deleteSome(of: blob, $0.connection) }
      }
      progress(CompactionProgress(phase: .attachments, done: index + 1, total: doomed.count))
    }
  }

  private func giveBackSpace(_ store: Store, _ progress: @Sendable (CompactionProgress) -> Void) async throws {
    let total = try store.readOnce { try Int(Schema.pragma("freelist_count", $0)) }
    var free = total
    while free > 0 {
      try Task.checkCancellation()
      let left = try await store.write { transaction in
        try transaction.connection.execute("PRAGMA incremental_vacuum(\(StoreTuning.vacuumPages))")
        return try Int(Schema.pragma("freelist_count", transaction.connection))
      }
      // Writers in between may free pages as well; what does not shrink is left for the next time.
      guard left < free else { break }
      free = left
      progress(CompactionProgress(phase: .space, done: max(0, total - free), total: total))
    }
    if store.path != nil {
      // A reader may hold the log for now; the next checkpoint shortens the file then.
      _ = try? await store.withWriter { try $0.execute("PRAGMA wal_checkpoint(TRUNCATE)") }
    }
  }
}
