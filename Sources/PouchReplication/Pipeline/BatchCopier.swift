import PouchCore

/// Copies changes batch by batch: asks the target what it lacks, reads that from the source, and writes it.
///
/// What does not pass in a batch goes alone: documents with large attachments, whose bytes are to be streamed, and
/// those that some request failed with.
struct BatchCopier: Sendable {
  let pipeline: Pipeline

  private var options: ReplicationOptions { pipeline.options }
  private var board: ProgressBoard { pipeline.board }

  /// Takes batches from the queue until it is finished.
  func run() async throws {
    while let runs = try await takeRuns(), let first = runs.first, let last = runs.last {
      try await pipeline.gate.pass()
      let pieces = first.piece...last.piece
      pipeline.ledger.open(pieces)
      try await copy(runs.flatMap(\.documents), pieces)
      pipeline.ledger.close(pieces)
    }
  }

  /// Takes as much as one batch may have: many changes that came one by one are copied together.
  private func takeRuns() async throws -> [ChangesRun]? {
    try await pipeline.changes.take { taken, next in
      let count = taken.reduce(next.documents.count) { $0 + $1.documents.count }
      let weight = taken.reduce(next.weight) { $0 + $1.weight }
      return count <= options.batchDocuments && weight <= ReplicationTuning.batchKeyBytes
    }
  }

  private func copy(_ documents: [ChangedDocument], _ pieces: ClosedRange<Int>) async throws {
    var missing = try await missingRevisions(of: documents)[...]
    var size = PartSize(missing.count)
    while !missing.isEmpty {
      let part = missing.prefix(size.count)
      let passed: Int
      do {
        passed = try await copy(part, pieces)
      } catch let error as PouchError where error.mayPassInParts {
        if size.shrink(from: part.count) { continue }
        try await alone(part, pieces)
        passed = part.count
      }
      missing.removeFirst(passed)
      size.grow()
    }
  }

  // MARK: - Asking the target

  private func missingRevisions(of documents: [ChangedDocument]) async throws -> [MissingRevision] {
    var asked: [DocumentID: [RevisionID]] = [:]
    var order: [DocumentID] = []
    asked.reserveCapacity(documents.count)
    for document in documents {
      if let earlier = asked.updateValue(document.revisions, forKey: document.id) {
        asked[document.id] = earlier + document.revisions
      } else {
        order.append(document.id)
      }
    }
    let question = asked
    let answer = try await pipeline.retrier.run { try await pipeline.target.revsDiff(question) }
    var missing: [MissingRevision] = []
    for id in order {
      guard let difference = answer[id], let revisions = asked[id] else { continue }
      // Only what the feed told of is asked for, whatever the target says; each once.
      if revisions.count == 1, difference.missing == revisions {
        missing.append(
          MissingRevision(id: id, revision: revisions[0], possibleAncestors: difference.possibleAncestors))
        continue
      }
      var wanted = Set(difference.missing)
      for revision in revisions where wanted.remove(revision) != nil {
        missing.append(
          MissingRevision(id: id, revision: revision, possibleAncestors: difference.possibleAncestors))
      }
    }
    let (checked, found) = (asked.values.reduce(0) { $0 + $1.count }, missing.count)
    board.count { counts in
      counts.revisionsChecked += checked
      counts.revisionsMissing += found
    }
    return missing
  }

  // MARK: - Reading and writing

  /// Copies the first of some revisions, as many as the byte limit of a request allows.
  /// - Returns: how many were dealt with, at least one.
  private func copy(_ part: ArraySlice<MissingRevision>, _ pieces: ClosedRange<Int>) async throws -> Int {
    let rest = try await copyReady(part)
    // The documents are gone by now, and so is their share of the budget: others may need it to go on.
    let again = try await concurrently(rest.bundles, atMost: ReplicationTuning.bundlesInFlight) {
      try await copy(bundle: $0)
    }
    try await self.alone((rest.alone + again.joined())[...], pieces)
    return rest.answered
  }

  /// Reads revisions, and writes those whose documents came with all that the target needs.
  private func copyReady(
    _ part: ArraySlice<MissingRevision>
  ) async throws -> (answered: Int, bundles: [SortedRevisions.Bundle], alone: [MissingRevision]) {
    let reserved = pipeline.estimate.state.reservation(for: part.count, atMost: options.batchBytes)
    try await pipeline.budget.acquire(reserved)
    var held = reserved
    defer { pipeline.budget.release(held) }
    let sorted = SortedRevisions(try await read(part, upTo: reserved), of: part)
    // From here on the documents themselves count. What was set aside for larger ones is for others.
    pipeline.budget.charge(sorted.bytes - held)
    held = sorted.bytes
    let (documents, bytes) = (sorted.documents, sorted.bytes)
    pipeline.estimate.update { $0.observe(documents: documents, bytes: bytes) }
    note(sorted)
    let again = try await write(sorted.ready)
    return (sorted.answered, sorted.bundles, sorted.alone + again)
  }

  private func read(_ part: ArraySlice<MissingRevision>, upTo bytes: Int) async throws -> [BulkGetResult] {
    let requests = part.map(\.request)
    let options = GetOptions(at: nil, .latest, including: .revisions, byteLimit: bytes)
    let results = try await pipeline.retrier.run { try await pipeline.source.bulkGet(requests, options) }
    guard (1...requests.count).contains(results.count) else {
      throw PouchError(.badResponse, "The source answered another number of requests than it was asked.")
    }
    return results
  }

  private func note(_ sorted: SortedRevisions) {
    board.count { counts in
      counts.documentsRead += sorted.ready.count
      counts.documentsSkipped += sorted.skipped
    }
    for failure in sorted.failures { board.record(failure) }
  }

  /// Writes documents that are in memory, in smaller and smaller parts if the target refuses.
  /// - Returns: those that are to be tried alone.
  private func write(_ documents: [ReadRevision]) async throws -> [MissingRevision] {
    var rest = documents[...]
    var size = PartSize(rest.count)
    var again: [MissingRevision] = []
    while !rest.isEmpty {
      let part = rest.prefix(size.count)
      do {
        let batch = part.map(\.document)
        let results = try await pipeline.retrier.run { try await pipeline.target.bulkDocs(batch, .replicated) }
        guard results.count == part.count else {
          throw PouchError(.badResponse, "The target answered for another number of documents than it was given.")
        }
        again += note(zip(part, results))
      } catch let error as PouchError where error.mayPassInParts {
        if size.shrink(from: part.count) { continue }
        again += part.map(\.missing)
      }
      rest.removeFirst(part.count)
      size.grow()
    }
    return again
  }

  private func note(_ results: Zip2Sequence<ArraySlice<ReadRevision>, [WriteResult]>) -> [MissingRevision] {
    var (written, bytes) = (0, Int64(0))
    var again: [MissingRevision] = []
    for (read, result) in results {
      switch result.outcome {
      case .success:
        written += 1
        bytes += read.document.writtenBytes
      case .failure(let error) where error.code == .missingStub:
        again.append(
          MissingRevision(id: read.missing.id, revision: read.missing.revision, possibleAncestors: []))
      case .failure(let error) where Verdict(error).isWorthRetrying:
        again.append(read.missing)
      case .failure(let error):
        let revision = read.document.revision ?? read.missing.revision
        board.record(ReplicationFailure(id: read.missing.id, revision: revision, side: .target, error: error))
      }
    }
    let (taken, size) = (written, bytes)
    board.count { counts in
      counts.documentsWritten += taken
      counts.bytesWritten += size
    }
    return again
  }

  /// Leaves revisions to those who copy them one by one.
  private func alone(_ revisions: ArraySlice<MissingRevision>, _ pieces: ClosedRange<Int>) async throws {
    for missing in revisions {
      pipeline.ledger.open(pieces)
      try await pipeline.singles.put(SingleRevision(missing: missing, pieces: pieces), weight: 1)
    }
  }

  // MARK: - Small attachments

  /// Copies documents with small attachments, whose size was told by their stubs.
  /// - Returns: those that are to be tried alone.
  private func copy(bundle: SortedRevisions.Bundle) async throws -> [MissingRevision] {
    try await pipeline.budget.acquire(bundle.bytes)
    defer { pipeline.budget.release(bundle.bytes) }
    let documents: [ReadRevision]
    do {
      documents = try await pipeline.retrier.run { try await readWhole(bundle) }
    } catch let error as PouchError where error.mayPassInParts {
      return bundle.revisions
    }
    let read = documents.count
    board.count { $0.documentsRead += read }
    let again = try await write(documents)
    let copied = Set(documents.map(\.missing))
    return again + bundle.revisions.filter { !copied.contains($0) }
  }

  /// Reads documents with their attachments into memory. Those that turn out larger than was told are left out.
  private func readWhole(_ bundle: SortedRevisions.Bundle) async throws -> [ReadRevision] {
    let requests = bundle.revisions.map {
      BulkGetRequest($0.id, at: $0.revision, attachmentsSince: $0.possibleAncestors)
    }
    let results = try await pipeline.source.bulkGet(
      requests, GetOptions(at: nil, .latest, including: [.revisions, .attachments]))
    let documents = try await concurrently(
      Array(zip(bundle.revisions, results)), atMost: ReplicationTuning.bundledInFlight
    ) { missing, result in
      try await whole(missing, result)
    }
    return documents.compactMap(\.self)
  }

  /// A document with its attachments in memory; `nil` if they are too large for that, or it is not the one expected.
  private func whole(_ missing: MissingRevision, _ result: BulkGetResult) async throws -> ReadRevision? {
    guard case .success(let found) = result.outcome, found.count == 1, var document = found[0].document,
      document.id == missing.id, document.revision != nil
    else { return nil }
    var room = ReplicationTuning.inlineAttachmentBytes
    for (name, attachment) in document.attachments {
      guard case .stream(let stream) = attachment.content else {
        room -= attachment.data?.count ?? 0
        continue
      }
      let expected = attachment.encoding == nil ? attachment.length : attachment.encodedLength
      guard let bytes = try await stream.bytes(upTo: room, expecting: expected) else { return nil }
      room -= bytes.count
      document.attachments[name]?.content = .data(bytes)
    }
    return room >= 0 ? ReadRevision(missing: missing, document: document) : nil
  }
}
