import PouchCore
import TestSupport
import Testing

@Suite("Revision trees")
struct RevisionTreeTests {
  /// Branches of one random history, in which each revision has one parent.
  private func branches(seed: UInt64) -> [RevisionTree.Branch] {
    var generator = SeededGenerator(seed: seed)
    var paths: [[RevisionID]] = [[RevisionID(generation: 1, suffix: "root")]]
    for number in 0..<Int.random(in: 1...14, using: &generator) {
      let parent = paths.randomElement(using: &generator)!
      paths.append([RevisionID(generation: parent[0].generation + 1, suffix: "r\(number)")] + parent)
    }
    // Bodies and deletions belong to the revision, so every branch that ends in it agrees about them.
    return paths.enumerated().map { number, path in
      let kept = Int.random(in: 1...path.count, using: &generator)
      return RevisionTree.Branch(
        Array(path.prefix(kept)), isDeleted: path[0].suffix.hasSuffix("3"), body: Int64(number))
    }
  }

  private func tree(_ branches: some Sequence<RevisionTree.Branch>) -> RevisionTree {
    branches.reduce(.empty) { $0.merging($1).tree }
  }

  @Test(arguments: 0..<400 as Range<UInt64>)
  func `merging does not depend on order, grouping or repetition`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed &+ 1_000_000)
    let branches = branches(seed: seed)
    let whole = tree(branches)
    #expect(tree(branches.shuffled(using: &generator)) == whole)
    #expect(tree(branches + branches) == whole)
    let cut = Int.random(in: 0...branches.count, using: &generator)
    let (left, right) = (tree(branches[..<cut]), tree(branches[cut...]))
    #expect(left.merging(right) == whole)
    #expect(right.merging(left) == whole)
    #expect(whole.merging(whole) == whole)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `stemming keeps every leaf and bounds every path`(_ seed: UInt64) {
    let whole = tree(branches(seed: seed))
    for limit in 1...4 {
      let stemmed = whole.stemmed(to: limit)
      #expect(stemmed.leaves.map(\.revision) == whole.leaves.map(\.revision))
      #expect(stemmed.stemmed(to: limit) == stemmed)
      for leaf in stemmed.leafIndices {
        // A path may go on where another leaf keeps it, but never beyond what was there.
        let path = stemmed.path(from: leaf).map(\.revision)
        let original = whole.path(from: whole.index(of: path[0])!).map(\.revision)
        #expect(original.starts(with: path))
        #expect(path.count >= min(limit, original.count))
      }
    }
  }

  @Test func `a live leaf wins over a deleted one, then the higher revision`() throws {
    let revisions = try ["1-a", "2-x", "2-y", "3-z"].map { try RevisionID($0) }
    let whole = tree([
      RevisionTree.Branch([revisions[1], revisions[0]]), RevisionTree.Branch([revisions[2], revisions[0]]),
      RevisionTree.Branch([revisions[3], revisions[2], revisions[0]], isDeleted: true),
    ])
    #expect(whole.winner?.revision == revisions[1])
    #expect(whole.conflicts == [])
    #expect(whole.deletedConflicts == [revisions[3]])
  }

  @Test func `a branch extends a leaf, makes a conflict, or is known`() throws {
    let first = try RevisionID("1-a")
    let (one, outcome) = RevisionTree.empty.merging(RevisionTree.Branch([first]))
    #expect(outcome == .extended)
    let second = RevisionTree.Branch([try RevisionID("2-b"), first])
    let (two, extended) = one.merging(second)
    #expect(extended == .extended)
    #expect(two.merging(second).outcome == .known)
    #expect(two.merging(RevisionTree.Branch([try RevisionID("2-c"), first])).outcome == .branched)
    #expect(two.merging(RevisionTree.Branch([try RevisionID("7-far")])).outcome == .branched)
  }
}
