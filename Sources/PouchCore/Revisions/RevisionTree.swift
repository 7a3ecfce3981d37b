/// All that is known of a document's history: its revisions, each with its parent, and where their bodies are.
///
/// Nodes stand in ascending order of their revision ids, so that equal histories are equal values.
///
/// Leaves are the current revisions; more than one of them alive is a conflict. A tree is a value: merging returns a new
/// one. Because old ancestors are cut off (``stemmed(to:)``) there may be several roots.
///
/// Source: CouchDB documentation, "Replication and conflict model"; the winner is the leaf that is not deleted and has
/// the highest revision id.
public struct RevisionTree: Sendable, Hashable {
  /// One revision of the document.
  public struct Node: Sendable, Hashable {
    /// The revision's id.
    public let revision: RevisionID
    /// The index of the parent in ``RevisionTree/nodes``; parents always come before their children.
    public internal(set) var parent: Int?
    /// Whether this revision deleted the document.
    public internal(set) var isDeleted: Bool
    /// The sequence under which an engine stored the body; `nil` for ancestors that are known by name only.
    public internal(set) var body: Int64?

    public init(_ revision: RevisionID, parent: Int? = nil, isDeleted: Bool = false, body: Int64? = nil) {
      self.revision = revision
      self.parent = parent
      self.isDeleted = isDeleted
      self.body = body
    }
  }

  /// The revisions in ascending order of their ids, and so parents before children.
  public let nodes: [Node]
  /// The indices of the leaves, in the order of ``nodes``.
  public let leafIndices: [Int]

  /// The tree of a document that does not exist.
  public static let empty = RevisionTree(nodes: [])

  /// A tree of nodes in ascending order of their ids.
  public init(nodes: [Node]) {
    self.nodes = nodes
    if nodes.count == 1 {
      leafIndices = [0]
      return
    }
    var hasChild = Array(repeating: false, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      guard let parent = node.parent else { continue }
      precondition(parent < index, "Parents come before their children.")
      hasChild[parent] = true
    }
    leafIndices = nodes.indices.filter { !hasChild[$0] }
  }

  /// The leaves, the winner first: those alive before deleted ones, then by descending revision id.
  public var leaves: [Node] {
    leafIndices.map { nodes[$0] }.sorted { RevisionTree.wins($0, over: $1) }
  }

  /// The leaf that reads of the document return; `nil` only for an empty tree.
  public var winner: Node? {
    winnerIndex.map { nodes[$0] }
  }

  /// The index of the winner in ``nodes``.
  public var winnerIndex: Int? {
    leafIndices.max { RevisionTree.wins(nodes[$1], over: nodes[$0]) }
  }

  /// The leaves alive that lost against the winner, in descending order.
  public var conflicts: [RevisionID] {
    leaves.dropFirst().filter { !$0.isDeleted }.map(\.revision)
  }

  /// The deleted leaves other than the winner, in descending order.
  public var deletedConflicts: [RevisionID] {
    leaves.dropFirst().filter(\.isDeleted).map(\.revision)
  }

  /// The index of a revision in ``nodes``, or `nil` if it is not known.
  public func index(of revision: RevisionID) -> Int? {
    nodes.lastIndex { $0.revision == revision }
  }

  /// Whether the node at an index has no children.
  public func isLeaf(_ index: Int) -> Bool {
    leafIndices.contains(index)
  }

  /// The node at an index and its ancestors, newest first.
  public func path(from index: Int) -> [Node] {
    var path: [Node] = []
    var current: Int? = index
    while let index = current {
      path.append(nodes[index])
      current = nodes[index].parent
    }
    return path
  }

  /// The leaves at or below a node, the winner of them first.
  public func leaves(below index: Int) -> [Node] {
    leafIndices.filter { leaf in
      var current: Int? = leaf
      while let node = current, node > index { current = nodes[node].parent }
      return current == index
    }
    .map { nodes[$0] }.sorted { RevisionTree.wins($0, over: $1) }
  }

  private static func wins(_ left: Node, over right: Node) -> Bool {
    left.isDeleted != right.isDeleted ? !left.isDeleted : left.revision > right.revision
  }
}
