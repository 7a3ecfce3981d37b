/// A value of a type of one's own, together with the document it is stored in.
///
/// What the type does not know, such as fields written by newer versions of a program, and attachments, stays in the
/// document when the value is changed and written back.
///
/// ```swift
/// var note = try await notes.document("n1", as: Note.self)
/// note.value.text = "oat milk"
/// try await notes.put(&note)
/// ```
public struct TypedDocument<Value: Codable & Sendable>: Sendable {
  /// The value; change it freely.
  public var value: Value
  private let original: Value
  private var stored: Document

  /// Decodes a document.
  /// - Throws: `DecodingError` when the document does not fit the type.
  public init(_ document: Document) throws {
    stored = document
    value = try document.decoded()
    original = value
  }

  /// The document's id.
  public var id: DocumentID? { stored.id }
  /// The revision that was read or written last.
  public var revision: RevisionID? { stored.revision }

  /// The document with the present value in it.
  public var document: Document {
    get throws {
      var document = stored
      try document.merge(before: original, after: value)
      return document
    }
  }

  /// The same value, stored as a newer revision.
  func written(as document: Document, _ revision: RevisionID) throws -> TypedDocument {
    var stored = document
    stored.revision = revision
    return try TypedDocument(stored)
  }
}
