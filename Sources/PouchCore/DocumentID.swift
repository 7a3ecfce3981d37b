/// The name of a document within its database: any non-empty text of at most 8 KiB.
///
/// Ids are compared by their UTF-8 bytes, which is also the order of `allDocs` (raw collation). Ids that start with an
/// underscore are reserved, but for `_design/…` and `_local/…`.
public struct DocumentID: Sendable, Hashable, Comparable {
  /// The id as text, compared by bytes.
  public let name: ExactString

  /// An id of this text. It is checked when it is used: ``validate()``.
  public init(_ text: String) {
    name = ExactString(text)
  }

  /// The id as text.
  public var text: String { name.string }

  /// Whether this is a `_local/` document: kept out of changes and replication.
  public var isLocal: Bool { name.hasPrefix("_local/") }

  /// Whether this is a design document.
  public var isDesign: Bool { name.hasPrefix("_design/") }

  /// Checks what CouchDB checks.
  /// - Throws: ``PouchError/Code/illegalDocumentID`` if the id is empty, over ``Limits/documentID`` bytes, or reserved.
  public func validate() throws(PouchError) {
    let bytes = text.utf8
    if bytes.isEmpty { throw PouchError(.illegalDocumentID, "Document id must not be empty") }
    if bytes.count > Limits.documentID { throw PouchError(.illegalDocumentID, "Document id is too long") }
    if bytes.first == 0x5F {
      let prefix = isLocal ? 7 : isDesign ? 8 : 0
      guard prefix > 0 else {
        throw PouchError(.illegalDocumentID, "Only reserved document ids may start with underscore.")
      }
      guard bytes.count > prefix else {
        throw PouchError(.illegalDocumentID, "Illegal document id `\(text)`")
      }
    }
  }

  public static func < (left: DocumentID, right: DocumentID) -> Bool { left.name < right.name }
}

extension DocumentID: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, CustomStringConvertible {
  public init(stringLiteral value: String) { self.init(value) }
  public var description: String { text }
}
