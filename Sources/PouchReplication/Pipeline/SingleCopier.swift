import PouchCore
import Synchronization

/// Copies revisions one by one, with attachments as streams.
struct SingleCopier: Sendable {
  let pipeline: Pipeline

  private var board: ProgressBoard { pipeline.board }

  /// Takes revisions from the queue until it is finished.
  func run() async throws {
    while let taken = try await pipeline.singles.take() {
      for single in taken {
        try await pipeline.gate.pass()
        try await copy(single.missing)
        pipeline.ledger.close(single.pieces)
      }
    }
  }

  private func copy(_ missing: MissingRevision) async throws {
    let writtenBefore = board.counts.documentsWritten
    let retrier = Retrier(
      environment: pipeline.environment, board: board, attempts: ReplicationTuning.attemptsAlone)
    var isLineGood = true
    do {
      try await retrier.run {
        do {
          try await attempt(missing)
        } catch {
          if Verdict(PouchError(wrapping: error)) == .transient { isLineGood = false }
          throw error
        }
      }
    } catch let error as PouchError {
      switch Verdict(error) {
      case .content: break
      // What fails again and again may be the whole database's trouble, or the line's, unless others pass meanwhile.
      case .suspect where isLineGood && board.counts.documentsWritten > writtenBefore: break
      case .suspect, .transient, .fatal: throw error
      }
      board.record(
        ReplicationFailure(id: missing.id, revision: missing.revision, side: .target, error: error))
    }
  }

  private func attempt(_ missing: MissingRevision) async throws {
    do {
      try await transfer(missing, knownAt: missing.possibleAncestors)
    } catch let error as PouchError where error.code == .missingStub && !missing.possibleAncestors.isEmpty {
      try await transfer(missing, knownAt: [])
    }
  }

  /// Reads a revision, or the leaves that it has become, and writes it.
  private func transfer(_ missing: MissingRevision, knownAt ancestors: [RevisionID]) async throws {
    let found: [OpenRevision]
    do {
      found = try await pipeline.source.openRevisions(
        of: missing.id, .these([missing.revision]),
        GetOptions(at: nil, .latest, including: [.revisions, .attachments], attachmentsSince: ancestors))
    } catch let error as PouchError where error == .missing || error == .deleted {
      return board.count { $0.documentsSkipped += 1 }
    } catch let error as PouchError where Verdict(error) == .content {
      return board.record(
        ReplicationFailure(id: missing.id, revision: missing.revision, side: .source, error: error))
    }
    for revision in found {
      guard case .found(let document) = revision else {
        board.count { $0.documentsSkipped += 1 }
        continue
      }
      guard document.id == missing.id, document.revision != nil else {
        throw PouchError(.badResponse, "The source gave another document than it was asked for.")
      }
      try await write(document)
    }
  }

  private func write(_ document: Document) async throws {
    let size = document.body.bytes.count
    try await pipeline.budget.acquire(size)
    defer { pipeline.budget.release(size) }
    let streamed = ByteCount()
    var counted = document
    for (name, attachment) in document.attachments {
      if case .stream(let stream) = attachment.content {
        counted.attachments[name]?.content = .stream(streamed.counting(stream))
      }
    }
    guard let result = try await pipeline.target.bulkDocs([counted], .replicated).first else {
      throw PouchError(.badResponse, "The target gave no answer for the document.")
    }
    switch result.outcome {
    case .success:
      board.count { counts in
        counts.documentsRead += 1
        counts.documentsWritten += 1
        counts.bytesWritten += document.writtenBytes + streamed.total
      }
    case .failure(let error) where Verdict(error) == .fatal:
      // The target does not allow this document; a refusal of everything would have been thrown.
      board.record(
        ReplicationFailure(
          id: document.id ?? "", revision: document.revision ?? RevisionID(generation: 0, suffix: ""), side: .target,
          error: error))
    case .failure(let error):
      throw error
    }
  }
}

/// Counts the bytes that pass through streams.
private final class ByteCount: Sendable {
  private let bytes = Mutex<Int64>(0)

  var total: Int64 { bytes.withLock { $0 } }

  func counting(_ stream: ByteStream) -> ByteStream {
    ByteStream {
      var iterator = stream.makeAsyncIterator()
      return {
        let piece = try await iterator.next()
        if let piece { self.bytes.withLock { $0 += Int64(piece.count) } }
        return piece
      }
    }
  }
}

extension ByteStream {
  /// All of the bytes, if they are not more than some number; `nil` otherwise.
  /// - Parameter expected: how many there probably are.
  func bytes(upTo limit: Int, expecting expected: Int64?) async throws -> [UInt8]? {
    var all: [UInt8] = []
    if let expected, (0...Int64(limit)).contains(expected) { all.reserveCapacity(Int(expected)) }
    for try await piece in self {
      guard all.count + piece.count <= limit else { return nil }
      all.append(contentsOf: piece)
    }
    return all
  }
}
