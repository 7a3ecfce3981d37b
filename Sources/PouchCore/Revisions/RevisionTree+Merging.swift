extension RevisionTree {
  /// A revision with its ancestry, as it arrives from a replicator or an editor.
  public struct Branch: Sendable, Hashable {
    /// The revision and its ancestors, newest first, as `_revisions` lists them: never empty, generations descending.
    public let path: [RevisionID]
    /// Whether the newest revision deletes the document.
    public let isDeleted: Bool
    /// Where the body of the newest revision is stored.
    public let body: Int64?

    public init(_ path: [RevisionID], isDeleted: Bool = false, body: Int64? = nil) {
      precondition(!path.isEmpty, "A branch has at least one revision.")
      precondition(
        zip(path, path.dropFirst()).allSatisfy { $0.generation > $1.generation }, "Generations descend along a branch.")
      self.path = path
      self.isDeleted = isDeleted
      self.body = body
    }
  }

  /// What merging a branch changed.
  public enum MergeOutcome: Sendable, Hashable {
    /// The branch made one of the leaves longer, or was the first.
    case extended
    /// The branch added a leaf beside those there were: a conflict, if both are alive.
    case branched
    /// The newest revision was known already; at most its ancestry grew.
    case known
  }

  /// The tree with a branch added to it.
  ///
  /// Merging is commutative, associative and idempotent as long as each revision has one parent, which digests see to.
  /// Where a branch names another parent for a revision that has one, the parent there is stays, and the branch's
  /// older revisions are left out.
  public func merging(_ branch: Branch) -> (tree: RevisionTree, outcome: MergeOutcome) {
    if let outcome = extendedAtTheEnd(by: branch) { return outcome }
    var ancestry = Ancestry(self)
    let outcome = self.outcome(of: branch)
    ancestry.add(branch)
    return (ancestry.tree, outcome)
  }

  /// The tree with all of another tree's branches added to it.
  public func merging(_ other: RevisionTree) -> RevisionTree {
    var ancestry = Ancestry(self)
    for leaf in other.leafIndices {
      let path = other.path(from: leaf)
      ancestry.add(Branch(path.map(\.revision), isDeleted: path[0].isDeleted, body: path[0].body))
    }
    // Ancestors bring bodies and deletions of their own.
    for node in other.nodes { ancestry.add(Branch([node.revision], isDeleted: node.isDeleted, body: node.body)) }
    return ancestry.tree
  }

  private func outcome(of branch: Branch) -> MergeOutcome {
    if nodes.isEmpty { return .extended }
    if index(of: branch.path[0]) != nil { return .known }
    guard let anchor = branch.path.dropFirst().lazy.compactMap({ index(of: $0) }).first else { return .branched }
    return isLeaf(anchor) ? .extended : .branched
  }

  /// The common case: one new revision whose parent is known, and which comes last in the order of nodes.
  private func extendedAtTheEnd(by branch: Branch) -> (tree: RevisionTree, outcome: MergeOutcome)? {
    guard branch.path.count <= 2, let last = nodes.last else {
      guard nodes.isEmpty, branch.path.count == 1 else { return nil }
      let node = Node(branch.path[0], isDeleted: branch.isDeleted, body: branch.body)
      return (RevisionTree(nodes: [node]), .extended)
    }
    guard branch.path.count == 2, branch.path[0] > last.revision, let parent = index(of: branch.path[1]) else {
      return nil
    }
    let node = Node(branch.path[0], parent: parent, isDeleted: branch.isDeleted, body: branch.body)
    return (RevisionTree(nodes: nodes + [node]), isLeaf(parent) ? .extended : .branched)
  }

  /// The tree without the ancestors that are more than `limit` revisions from every leaf.
  /// - Parameter limit: at least 1; CouchDB's `revs_limit`.
  public func stemmed(to limit: Int) -> RevisionTree {
    precondition(limit >= 1, "A revision limit is at least 1.")
    guard nodes.count > limit else { return self }
    var isKept = Array(repeating: false, count: nodes.count)
    for leaf in leafIndices {
      var current: Int? = leaf
      for _ in 0..<limit {
        guard let index = current else { break }
        isKept[index] = true
        current = nodes[index].parent
      }
    }
    return keeping(isKept)
  }

  /// The tree without some of its leaves, and without the ancestors that led only to them: what purging leaves.
  /// Revisions that are no leaves are not removed.
  /// - Returns: the smaller tree, and the leaves that were removed.
  public func removing(leaves revisions: some Sequence<RevisionID>) -> (tree: RevisionTree, removed: [Node]) {
    let unwanted = Set(revisions)
    var isKept = Array(repeating: false, count: nodes.count)
    var removed: [Node] = []
    for leaf in leafIndices {
      guard !unwanted.contains(nodes[leaf].revision) else {
        removed.append(nodes[leaf])
        continue
      }
      var current: Int? = leaf
      while let index = current, !isKept[index] {
        isKept[index] = true
        current = nodes[index].parent
      }
    }
    return (keeping(isKept), removed)
  }

  /// The same tree, with the body that was stored under one sequence stored under another.
  public func movingBody(from old: Int64, to new: Int64) -> RevisionTree {
    RevisionTree(
      nodes: nodes.map { node in
        var copy = node
        if node.body == old { copy.body = new }
        return copy
      })
  }

  private func keeping(_ isKept: [Bool]) -> RevisionTree {
    var position = Array(repeating: 0, count: nodes.count)
    var kept: [Node] = []
    for (index, node) in nodes.enumerated() where isKept[index] {
      position[index] = kept.count
      var copy = node
      copy.parent = node.parent.flatMap { isKept[$0] ? position[$0] : nil }
      kept.append(copy)
    }
    return RevisionTree(nodes: kept)
  }
}

/// A tree as a set of links from each revision to its parent; merging trees is uniting such sets.
private struct Ancestry {
  private struct Entry {
    var parent: RevisionID?
    var isDeleted: Bool
    var body: Int64?
  }

  private var entries: [RevisionID: Entry]

  init(_ tree: RevisionTree) {
    entries = [:]
    entries.reserveCapacity(tree.nodes.count + 8)
    for node in tree.nodes {
      entries[node.revision] = Entry(
        parent: node.parent.map { tree.nodes[$0].revision }, isDeleted: node.isDeleted, body: node.body)
    }
  }

  mutating func add(_ branch: RevisionTree.Branch) {
    var tip = entries[branch.path[0]] ?? Entry(isDeleted: false)
    tip.isDeleted = tip.isDeleted || branch.isDeleted
    tip.body = tip.body ?? branch.body
    entries[branch.path[0]] = tip
    for (child, parent) in zip(branch.path, branch.path.dropFirst()) {
      if let known = entries[child]?.parent, known != parent { return }
      entries[child]?.parent = parent
      if entries[parent] == nil { entries[parent] = Entry(isDeleted: false) }
    }
  }

  /// Nodes in ascending order of their ids, which puts parents before children.
  var tree: RevisionTree {
    let ordered = entries.keys.sorted()
    let position = Dictionary(uniqueKeysWithValues: ordered.enumerated().map { ($1, $0) })
    return RevisionTree(
      nodes: ordered.map { revision in
        let entry = entries[revision]!
        return RevisionTree.Node(
          revision, parent: entry.parent.flatMap { position[$0] }, isDeleted: entry.isDeleted, body: entry.body)
      })
  }
}
