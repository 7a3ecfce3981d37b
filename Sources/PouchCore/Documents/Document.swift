/// A document, or one revision of it: an id, a body of JSON, and attachments.
///
/// ```swift
/// var note: Document = ["_id": "n1", "text": "milk"]
/// try await notes.put(note)
/// note = try await notes.get("n1")
/// note["text"] = "oat milk"
/// try await notes.put(note)          // carries the revision that was read
/// ```
///
/// CouchDB's underscore members (`_id`, `_rev`, `_deleted`, `_attachments`, …) are properties; the body holds the rest.
/// The body stays as bytes until a field of it is asked for.
public struct Document: Sendable {
  /// The name of the document; `nil` only for one that `post` shall name.
  public var id: DocumentID?
  /// The revision that was read, or the parent of the revision to be written.
  public var revision: RevisionID?
  /// Whether this revision deletes the document.
  public var isDeleted: Bool
  /// The fields, as a JSON object without CouchDB's own members.
  public var body: JSONText
  /// The attachments by name.
  public var attachments = Attachments()
  /// The revision and its ancestors, newest first: `_revisions`. Only when asked for, or to be written as history.
  public var revisions: [RevisionID]?
  /// What else was asked for about the document.
  public var metadata: Metadata?

  /// Facts about a document that are not part of it; read only.
  public struct Metadata: Sendable, Hashable {
    /// `_revs_info`: the ancestors, newest first, and whether their bodies are still there.
    public var revisionsInfo: [RevisionInfo]?
    /// `_conflicts`: the leaves alive that lost against the winner.
    public var conflicts: [RevisionID]?
    /// `_deleted_conflicts`: the deleted leaves beside the winner.
    public var deletedConflicts: [RevisionID]?
    /// `_local_seq`: when the document last changed.
    public var localSequence: UpdateSequence?

    public init() {}
  }

  /// An entry of `_revs_info`.
  public struct RevisionInfo: Sendable, Hashable {
    public enum Status: String, Sendable, Hashable {
      /// The body can be read.
      case available
      /// The body was compacted away, or never was here.
      case missing
      /// The revision deleted the document.
      case deleted
    }

    public let revision: RevisionID
    public let status: Status

    public init(revision: RevisionID, status: Status) {
      self.revision = revision
      self.status = status
    }
  }

  /// A document of a body that is JSON already.
  /// - Precondition: `body` is an object.
  public init(
    id: DocumentID? = nil, revision: RevisionID? = nil, isDeleted: Bool = false, body: JSONText = .emptyObject
  ) {
    precondition(body.isObject, "A document's body is a JSON object.")
    self.id = id
    self.revision = revision
    self.isDeleted = isDeleted
    self.body = body
  }

  /// A document of these fields.
  public init(id: DocumentID?, revision: RevisionID? = nil, fields: JSON.Object) {
    self.init(id: id, revision: revision, body: JSONText(.object(fields)))
  }

  /// The revision and its ancestors, newest first, of a document that is to be kept with them
  /// (``WriteMode/replicated``).
  /// - Throws: ``PouchError/Code/badRequest`` if it names none, or they are no unbroken path.
  public var replicatedPath: [RevisionID] {
    get throws(PouchError) {
      guard let path = revisions ?? revision.map({ [$0] }), let oldest = path.last else {
        throw PouchError(
          .badRequest, "When `new_edits: false`, the document needs `_rev` or `_revisions` specified")
      }
      let isUnbroken = zip(path, path.dropFirst()).allSatisfy { $0.generation - 1 == $1.generation }
      guard isUnbroken, oldest.generation >= 1 else { throw PouchError(.badRequest, "Invalid rev format") }
      return path
    }
  }

  /// The fields of the body. Reading parses the whole body, and writing prints it.
  public var fields: JSON.Object {
    get { body.json.object ?? JSON.Object() }
    set { body = JSONText(.object(newValue)) }
  }

  /// A field of the body; setting `nil` removes it.
  public subscript(field: ExactString) -> JSON? {
    get { fields[field] }
    set { fields[field] = newValue }
  }
}

extension Document: ExpressibleByDictionaryLiteral {
  /// A document from its JSON form, with `_id`, `_rev` and `_deleted` where there are any.
  /// - Precondition: the literal is a valid document; see ``init(_:)-(JSON)`` for values that may not be.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSON.Object()
    for (key, value) in elements { object.append(value, as: ExactString(key)) }
    do {
      try self.init(JSON.object(object))
    } catch {
      preconditionFailure("Not a document: \(error)")
    }
  }
}
