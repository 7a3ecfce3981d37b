import Foundation
import PouchCore
import PouchStore
import Synchronization
import TestSupport
import Testing

@testable import PouchReplication

/// A generator that tasks share.
final class SharedGenerator: Sendable {
  private let generator: Mutex<SeededGenerator>

  init(seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }

  func next() -> UInt64 { generator.withLock { $0.next() } }

  /// Whether something with this chance happens.
  func happens(_ percent: UInt64) -> Bool { next() % 100 < percent }
}

/// Counts down to zero and further.
final class Countdown: Sendable {
  private let left: Mutex<Int>

  init(from start: Int) { left = Mutex(start) }

  var count: Int { left.withLock { $0 } }

  /// - Returns: how many are left after this one.
  @discardableResult
  func next() -> Int {
    left.withLock { left in
      left -= 1
      return left
    }
  }
}

/// Time that passes only by sleeping, and at once; except that the bound of the last checkpoint never ends before what
/// it bounds does.
final class VirtualTime: Sendable {
  private let passed = Mutex(Duration.zero)
  private let generator: SharedGenerator

  init(seed: UInt64 = 1) { generator = SharedGenerator(seed: seed) }

  var elapsed: Duration { passed.withLock { $0 } }

  var environment: ReplicationEnvironment {
    ReplicationEnvironment(
      elapsed: { self.elapsed },
      sleep: { duration in
        if duration == ReplicationTuning.lastCheckpointTimeout { try await Task.sleep(for: .seconds(3600)) }
        self.passed.withLock { $0 += duration }
        try Task.checkCancellation()
        await Task.yield()
      },
      date: { Date(timeIntervalSince1970: 1_790_000_000) }, random: { self.generator.next() })
  }
}

/// What a leaf of a document is, for comparing databases.
struct Leaf: Hashable, CustomStringConvertible {
  let revision: RevisionID
  let isDeleted: Bool
  let body: JSON
  let attachments: [String: [UInt8]]

  var description: String { "\(revision)\(isDeleted ? " deleted" : "")" }
}

extension Database {
  /// All that a database has and replication copies: the leaves of every document with their attachments.
  func contents() async throws -> [DocumentID: Set<Leaf>] {
    var contents: [DocumentID: Set<Leaf>] = [:]
    for change in try await changes(.once).collect() {
      for case .found(let document) in try await openRevisions(of: change.id, .all, including: .attachments) {
        guard let revision = document.revision else { continue }
        var attachments: [String: [UInt8]] = [:]
        for (name, attachment) in document.attachments {
          if case .stream(let stream) = attachment.content { attachments[name.string] = try await stream.bytes() }
        }
        contents[change.id, default: []].insert(
          Leaf(
            revision: revision, isDeleted: document.isDeleted, body: document.body.json, attachments: attachments))
      }
    }
    return contents
  }

  /// Writes documents named by numbers.
  func fill(_ numbers: Range<Int>, _ text: String = "") async throws {
    _ = try await bulkDocs(numbers.map { ["_id": JSON("doc\($0)"), "n": JSON($0), "text": JSON(text)] })
  }

  /// Waits until a document is there.
  func waitFor(_ id: DocumentID) async throws {
    for try await change in changes(.live) where change.id == id { return }
  }
}

extension Replication {
  /// Waits until the progress is as wanted, or over.
  @discardableResult
  func waits(until condition: (ReplicationProgress) -> Bool) async -> ReplicationProgress? {
    var last: ReplicationProgress?
    for await progress in progress {
      last = progress
      if condition(progress) { break }
    }
    return last
  }
}

/// The error that something throws, as a PouchError.
func pouchError(_ body: () async throws -> Void) async -> PouchError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? PouchError
  }
}

/// A revision made elsewhere, as a replicator brings it.
func replica(_ id: DocumentID, _ path: [String], _ fields: JSON.Object = [:], deleted: Bool = false) throws -> Document
{
  var document = Document(id: id, fields: fields)
  document.revisions = try path.map { try RevisionID($0) }
  document.revision = document.revisions?.first
  document.isDeleted = deleted
  return document
}

/// Bytes that look random and are always the same.
func sampleBytes(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
}
