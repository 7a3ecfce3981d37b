import PouchCore

/// Turns the documents of answers into what the caller asked for.
struct AnsweredDocuments: Sendable {
  let database: RemoteDatabase
  let options: GetOptions

  init(_ database: RemoteDatabase, _ options: GetOptions) {
    self.database = database
    self.options = options
  }

  /// Whether the ancestry is needed, to be delivered or to see which attachments the caller has.
  var needsRevisions: Bool {
    options.parts.contains(.revisions) || !(options.attachmentsSince ?? []).isEmpty
  }

  /// The parameters that ask for what the options want.
  var query: Query {
    var query = Query()
    if needsRevisions { query["revs"] = "true" }
    if options.parts.contains(.revisionsInfo) { query["revs_info"] = "true" }
    if options.parts.contains(.conflicts) { query["conflicts"] = "true" }
    if options.parts.contains(.deletedConflicts) { query["deleted_conflicts"] = "true" }
    if options.parts.contains(.localSequence) { query["local_seq"] = "true" }
    query["att_encoding_info"] = "true"
    return query
  }

  /// - Parameter id: the document that was asked for; the answer must be about no other.
  /// - Throws: ``PouchError/Code/badResponse`` for what is not such a document.
  func document(_ slice: JSONSlice, of id: DocumentID) throws(PouchError) -> Document {
    var document: Document
    do throws(PouchError) {
      document = try Document(slice)
    } catch {
      throw PouchError(.badResponse, "The server's document makes no sense: \(error.reason)", underlying: error)
    }
    guard document.id == id, let revision = document.revision else { throw database.nonsense("_id") }
    if let asked = options.revision, options.lookup == .exact, asked != revision { throw database.nonsense("_rev") }
    if !document.attachments.isEmpty { try addContent(to: &document, id, revision) }
    if !options.parts.contains(.revisions) { document.revisions = nil }
    document.metadata = try metadata(slice)
    return document
  }

  private func addContent(
    to document: inout Document, _ id: DocumentID, _ revision: RevisionID
  ) throws(PouchError) {
    let selection = AttachmentSelection(options, ancestry: document.revisions ?? [revision])
    for (name, attachment) in document.attachments {
      guard attachment.isStub else { continue }
      guard (attachment.length ?? 0) >= 0, (attachment.encodedLength ?? 0) >= 0 else {
        throw database.nonsense("length")
      }
      guard selection.includes(revisionPosition: attachment.revisionPosition) else { continue }
      let location = AttachmentLocation(
        path: database.path + database.segments(of: id) + [name.string], revision: revision,
        form: attachment.encoding == nil ? .identity : .stored)
      let expected = AttachmentExpectation(
        encoding: attachment.encoding,
        length: attachment.encoding == nil ? attachment.length : attachment.encodedLength,
        digest: attachment.digest)
      document.attachments[name]?.content = .stream(
        AttachmentReading.stream(database.client, location, expecting: expected))
    }
  }

  private func metadata(_ slice: JSONSlice) throws(PouchError) -> Document.Metadata? {
    let asked: DocumentParts = [.revisionsInfo, .conflicts, .deletedConflicts, .localSequence]
    guard !options.parts.isDisjoint(with: asked) else { return nil }
    var metadata = Document.Metadata()
    if options.parts.contains(.conflicts) { metadata.conflicts = try revisions(slice["_conflicts"]) }
    if options.parts.contains(.deletedConflicts) {
      metadata.deletedConflicts = try revisions(slice["_deleted_conflicts"])
    }
    if options.parts.contains(.localSequence) {
      metadata.localSequence = slice["_local_seq"].flatMap(database.sequence)
    }
    if options.parts.contains(.revisionsInfo) {
      var infos: [Document.RevisionInfo] = []
      for element in slice["_revs_info"]?.elements ?? .none {
        guard let text = element["rev"]?.string, let revision = try? RevisionID(text) else {
          throw database.nonsense("_revs_info")
        }
        let status = element["status"]?.string.flatMap(Document.RevisionInfo.Status.init) ?? .missing
        infos.append(Document.RevisionInfo(revision: revision, status: status))
      }
      metadata.revisionsInfo = infos
    }
    return metadata
  }

  private func revisions(_ slice: JSONSlice?) throws(PouchError) -> [RevisionID] {
    try slice.map { slice throws(PouchError) in try RevisionLists.revisions(slice) } ?? []
  }
}
