import PeerPouch
import Testing

@testable import PouchStore

@Suite("Stored revision trees")
struct StoredTreeTests {
  private func decode(_ bytes: [UInt8]) throws -> RevisionTree {
    try bytes.withUnsafeBytes { try StoredTree.decode($0) }
  }

  @Test func `a tree is read as it was written`() throws {
    var tree = RevisionTree.empty
    let branches: [[String]] = [
      ["1-917fa2381192822767f010b95b45325b"],
      ["3-cc", "2-917fa2381192822767f010b95b45325c", "1-917fa2381192822767f010b95b45325b"],
      ["9007199254740993-far"], ["5-", "4-UPPER917FA2381192822767F010B95B4"],
    ]
    for (number, path) in branches.enumerated() {
      let revisions = try path.map { try RevisionID($0) }
      tree = tree.merging(RevisionTree.Branch(revisions, isDeleted: number == 2, body: Int64(number * 1000))).tree
      #expect(try decode(StoredTree.encode(tree)) == tree)
    }
  }

  @Test func `damaged bytes are an error and never a crash`() throws {
    let tree = RevisionTree.empty.merging(
      RevisionTree.Branch([try RevisionID("2-b"), try RevisionID("1-a")], body: 7)
    ).tree
    let bytes = StoredTree.encode(tree)
    #expect(throws: PouchError.self) { try decode([]) }
    for cut in 1..<bytes.count { _ = try? decode(Array(bytes[..<cut])) }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3) {
        damaged[Int.random(in: 0..<bytes.count)] = .random(in: 0...255, using: &generator)
      }
      _ = try? decode(damaged)
    }
  }
}

@Suite("The commit clock")
struct CommitClockTests {
  @Test func `a waiter is woken by what comes after, and only then`() async throws {
    let clock = CommitClock()
    clock.advance(to: 5)
    try await clock.wait(after: 4)
    let waiter = Task { try await clock.wait(after: 5) }
    clock.advance(to: 4)
    clock.advance(to: 6)
    try await waiter.value
  }

  @Test func `cancelling and closing end the wait`() async throws {
    let clock = CommitClock()
    let cancelled = Task { try await clock.wait(after: 0) }
    cancelled.cancel()
    await #expect(throws: PouchError(.cancelled)) { try await cancelled.value }
    let closed = Task { try await clock.wait(after: 0) }
    clock.close()
    await #expect(throws: PouchError.closed) { try await closed.value }
    await #expect(throws: PouchError.closed) { try await clock.wait(after: 0) }
  }
}
