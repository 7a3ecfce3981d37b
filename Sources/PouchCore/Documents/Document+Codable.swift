extension Document {
  /// A document from a value of any type that encodes as a JSON object.
  ///
  /// Its id is the `_id` that the value encodes, else its `id`; an `id` that only repeats `_id` is not stored, and is
  /// given back on decoding. `_rev` is taken over where the value encodes one.
  /// - Throws: ``PouchError/Code/badRequest`` if the value is not an object, and what its encoding throws.
  public init(encoding value: some Encodable, id: DocumentID? = nil) throws {
    self = try Document(parsing: JSONText(encoding: value).bytes)
    if let id { self.id = id }
    guard let member = self[Document.idField] else { return }
    let text: String? = member.string ?? member.int.map(String.init)
    if self.id == nil { self.id = text.map { DocumentID($0) } }
    if let id = self.id, member.string.map({ ExactString($0) }) == id.name { self[Document.idField] = nil }
  }

  /// The document as a value of a type. `_id` and `_rev` can be decoded, and so can `id` when the body has none.
  /// - Throws: `DecodingError` when the document does not fit the type.
  public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    try decodable.decoded(as: type)
  }

  /// The bare document as it is offered to a decoder.
  private var decodable: JSONText {
    var bare = Document(id: id, revision: revision, isDeleted: isDeleted, body: body)
    bare.attachments = attachments
    if let id, bare[Document.idField] == nil { bare[Document.idField] = JSON(id.text) }
    return JSONText(stored: bare.encoded)
  }

  private static let idField: ExactString = "id"

  /// Replaces what a type knows of the document, and keeps all that it does not know.
  ///
  /// Fields that encode the same before and after keep even their number's text; fields that the type encoded before
  /// and not after are removed; objects are merged member by member.
  /// - Parameters:
  ///   - before: the value that was decoded from this document.
  ///   - after: the value that it shall become.
  mutating func merge<Value: Encodable>(before: Value, after: Value) throws {
    let old = try Document(encoding: before, id: id).fields
    let new = try Document(encoding: after, id: id).fields
    guard old != new else { return }
    fields = fields.merging(from: old, to: new)
  }
}

extension JSON.Object {
  /// This object with the difference between two others applied to it.
  func merging(from old: JSON.Object, to new: JSON.Object) -> JSON.Object {
    var result = self
    for key in old.names where new[key] == nil { result[key] = nil }
    for (key, value) in new where value != old[key] {
      if case .object(let inner) = value, case .object(let oldInner)? = old[key], case .object(let own)? = self[key] {
        result[key] = .object(own.merging(from: oldInner, to: inner))
      } else {
        result[key] = value
      }
    }
    return result
  }
}
