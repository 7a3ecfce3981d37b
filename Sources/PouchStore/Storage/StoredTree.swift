import PouchCore

/// How a revision tree is stored: its nodes in order, each a byte of flags and what the flags announce.
///
/// | part | when | form |
/// |---|---|---|
/// | flags | always | 1 byte |
/// | generation | flag 8 is not set | varint; else the parent's plus one |
/// | parent | flag 16 | varint, the index of the parent; flag 8: the node before |
/// | suffix | always | 16 bytes with flag 4, else varint length and UTF-8 |
/// | body | flag 2 | varint, the sequence of the stored body |
///
/// Flag 1 marks a deletion. A document with one revision takes about 20 bytes, each further one about as many.
enum StoredTree {
  private static let deleted: UInt8 = 1
  private static let hasBody: UInt8 = 2
  private static let hasDigest: UInt8 = 4
  private static let continues: UInt8 = 8
  private static let hasParent: UInt8 = 16

  static func encode(_ tree: RevisionTree) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tree.nodes.count * 24)
    for (index, node) in tree.nodes.enumerated() {
      let digest = node.revision.digestWords
      let followsPrevious =
        node.parent.map { $0 == index - 1 && tree.nodes[$0].revision.generation + 1 == node.revision.generation }
        ?? false
      var flags: UInt8 = 0
      if node.isDeleted { flags |= deleted }
      if node.body != nil { flags |= hasBody }
      if digest != nil { flags |= hasDigest }
      if followsPrevious { flags |= continues } else if node.parent != nil { flags |= hasParent }
      bytes.append(flags)
      if !followsPrevious {
        Varint.append(UInt64(node.revision.generation), to: &bytes)
        if let parent = node.parent { Varint.append(UInt64(parent), to: &bytes) }
      }
      if let digest {
        withUnsafeBytes(of: digest.high.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: digest.low.bigEndian) { bytes.append(contentsOf: $0) }
      } else {
        let suffix = node.revision.suffix.utf8
        Varint.append(UInt64(suffix.count), to: &bytes)
        bytes.append(contentsOf: suffix)
      }
      if let body = node.body { Varint.append(UInt64(body), to: &bytes) }
    }
    return bytes
  }

  /// - Throws: ``PouchError/Code/corrupt`` for bytes that no tree has.
  static func decode(_ bytes: UnsafeRawBufferPointer) throws(PouchError) -> RevisionTree {
    var reader = BinaryReader(bytes)
    var nodes: [RevisionTree.Node] = []
    while !reader.isAtEnd {
      let flags = try reader.byte()
      var parent: Int?
      let generation: Int
      if flags & continues != 0 {
        guard let previous = nodes.last, previous.revision.generation < Limits.generation else {
          throw BinaryReader.damaged
        }
        parent = nodes.count - 1
        generation = previous.revision.generation + 1
      } else {
        generation = try reader.int()
        if flags & hasParent != 0 {
          let index = try reader.int()
          guard index < nodes.count, nodes[index].revision.generation < generation else {
            throw BinaryReader.damaged
          }
          parent = index
        }
      }
      let revision: RevisionID
      if flags & hasDigest != 0 {
        revision = RevisionID(generation: generation, digestWords: (try reader.word(), try reader.word()))
      } else {
        revision = RevisionID(generation: generation, suffix: try reader.text(try reader.int()))
      }
      let body: Int64? = flags & hasBody != 0 ? Int64(try reader.int()) : nil
      nodes.append(RevisionTree.Node(revision, parent: parent, isDeleted: flags & deleted != 0, body: body))
    }
    guard !nodes.isEmpty else { throw BinaryReader.damaged }
    return RevisionTree(nodes: nodes)
  }
}
