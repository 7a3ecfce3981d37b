internal import OrderedCollections

/// Values by name, in the order they were added: the members of a JSON object, the attachments of a document.
///
/// Names are compared by their bytes. Two such collections are equal when they have the same members in any order.
public struct Members<Value> {
  private var storage: OrderedDictionary<ExactString, Value> = [:]

  /// No members.
  public init() {}

  /// The value of a name; setting `nil` removes the member, setting a new name appends it.
  public subscript(name: ExactString) -> Value? {
    get { storage[name] }
    set { storage[name] = newValue }
  }

  /// The names in order.
  public var names: [ExactString] { Array(storage.keys) }

  /// Sets a value at the end, also when the name was there before: how the last of duplicate keys wins.
  public mutating func append(_ value: Value, as name: ExactString) {
    storage.removeValue(forKey: name)
    storage[name] = value
  }
}

extension Members: Sendable where Value: Sendable {}

extension Members: RandomAccessCollection {
  public typealias Element = (name: ExactString, value: Value)

  public var startIndex: Int { 0 }
  public var endIndex: Int { storage.count }
  public subscript(position: Int) -> Element {
    let element = storage.elements[position]
    return (element.key, element.value)
  }
}

extension Members: Equatable where Value: Equatable {
  public static func == (left: Members, right: Members) -> Bool {
    left.count == right.count && left.storage.allSatisfy { name, value in right.storage[name] == value }
  }
}

extension Members: Hashable where Value: Hashable {
  public func hash(into hasher: inout Hasher) {
    var sum = 0
    for (name, value) in storage {
      var member = Hasher()
      member.combine(name)
      member.combine(value)
      sum &+= member.finalize()
    }
    hasher.combine(sum)
  }
}

extension Members: ExpressibleByDictionaryLiteral {
  /// Of equal names the last wins, as everywhere in CouchDB.
  public init(dictionaryLiteral elements: (String, Value)...) {
    for (name, value) in elements { append(value, as: ExactString(name)) }
  }
}
