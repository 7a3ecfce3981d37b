public import PouchCore

/// The parameters of a request, decoded, in their order.
public struct Query: Sendable, Hashable {
  public private(set) var items: [Item] = []

  public struct Item: Sendable, Hashable {
    public let name: String
    public let value: String
  }

  /// No parameters.
  public init() {}

  /// Parameters as they stand after the question mark, with `+` for a space (as forms have it, and CouchDB reads it).
  /// - Throws: ``PouchError/Code/badRequest`` if they are no percent-encoded UTF-8.
  public init(parsing text: some StringProtocol) throws(PouchError) {
    // By bytes: a character may join a separator with what follows it.
    for part in Substring(text).utf8.split(separator: 0x26) {
      let name = part.prefix { $0 != 0x3D }
      items.append(
        Item(name: try PercentCoding.decode(name), value: try PercentCoding.decode(part[name.endIndex...].dropFirst())))
    }
  }

  public var isEmpty: Bool { items.isEmpty }

  /// The value of a parameter; of several the last one counts. Setting replaces all of them, `nil` removes them.
  public subscript(name: String) -> String? {
    get { items.last { $0.name == name }?.value }
    set {
      items.removeAll { $0.name == name }
      if let newValue { items.append(Item(name: name, value: newValue)) }
    }
  }
}

extension Query: CustomStringConvertible {
  /// The parameters percent-encoded, without the question mark.
  public var description: String {
    items.map { "\(PercentCoding.encode($0.name))=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
  }
}

extension Query: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, String)...) {
    items = elements.map { Item(name: $0.0, value: $0.1) }
  }
}
