import PouchCore

/// Makes documents of stored rows, with the parts that a reader asked for.
struct DocumentReader {
  let connection: Connection
  let store: Store

  /// The document of a node of a tree, with its body.
  /// - Returns: `nil` if the body is not there.
  func document(
    _ id: DocumentID, _ row: DocumentRow, node index: Int, _ options: GetOptions
  ) throws -> Document? {
    guard let body = row.tree.nodes[index].body, let stored = try RevisionRow.find(body, connection) else {
      return nil
    }
    return try document(id, row, node: index, stored, options)
  }

  /// The document of a node whose body was read already.
  func document(
    _ id: DocumentID, _ row: DocumentRow, node index: Int, _ stored: RevisionRow, _ options: GetOptions
  ) throws -> Document {
    let node = row.tree.nodes[index]
    var document = Document(
      id: id, revision: node.revision, isDeleted: node.isDeleted, body: JSONText(stored: stored.body))
    if !stored.attachments.isEmpty {
      document.attachments = try attachments(stored.attachments, row.tree, node: index, options)
    }
    if !options.parts.isEmpty { try add(options.parts, to: &document, row, node: index) }
    return document
  }

  private func add(
    _ parts: DocumentParts, to document: inout Document, _ row: DocumentRow, node index: Int
  ) throws {
    if parts.contains(.revisions) { document.revisions = row.tree.path(from: index).map(\.revision) }
    var metadata = Document.Metadata()
    if parts.contains(.revisionsInfo) {
      metadata.revisionsInfo = try row.tree.path(from: index).map { node in
        Document.RevisionInfo(revision: node.revision, status: try status(of: node))
      }
    }
    if parts.contains(.conflicts) { metadata.conflicts = row.tree.conflicts }
    if parts.contains(.deletedConflicts) { metadata.deletedConflicts = row.tree.deletedConflicts }
    if parts.contains(.localSequence) { metadata.localSequence = store.sequence(row.sequence) }
    if metadata != Document.Metadata() { document.metadata = metadata }
  }

  private func status(of node: RevisionTree.Node) throws -> Document.RevisionInfo.Status {
    guard let body = node.body else { return .missing }
    let select = try connection.statement("SELECT 1 FROM revision WHERE seq = ?1").bind(1, body)
    defer { select.reset() }
    guard try select.step() else { return .missing }
    return node.isDeleted ? .deleted : .available
  }

  private func attachments(
    _ stored: [StoredAttachment], _ tree: RevisionTree, node index: Int, _ options: GetOptions
  ) throws -> Attachments {
    let selection = AttachmentSelection(options, ancestry: tree.path(from: index).lazy.map(\.revision))
    var attachments = Attachments()
    for attachment in stored {
      var shown = attachment.stub
      if selection.includes(revisionPosition: attachment.revisionPosition) {
        let pin = store.pins.pin(attachment.blob)
        shown.content = .stream(BlobTable.stream(pin, 0..<attachment.storedLength, from: store))
      }
      attachments[attachment.name] = shown
    }
    return attachments
  }
}
