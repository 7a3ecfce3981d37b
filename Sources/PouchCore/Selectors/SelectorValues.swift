/// The operands of `$in`, `$nin` and `$all`, in order, so that a list of thousands costs little for each document.
struct SelectorValues: Sendable {
  /// Ascending, without equal ones.
  private var sorted: [JSON] = []

  init(_ values: [JSON]) {
    for value in values.sorted(by: { JSONCollation.compare($0, $1) < 0 }) {
      if let last = sorted.last, JSONCollation.compare(last, value) == 0 { continue }
      sorted.append(value)
    }
  }

  /// Whether a value, or an element of it if it is an array, is one of these.
  func haveOne(of value: JSON) -> Bool {
    guard let elements = value.array else { return index(of: value) != nil }
    return elements.contains { index(of: $0) != nil }
  }

  /// Whether a value is an array that has all of these, or is the only one of these. Of no operands nothing has all.
  func areAll(in value: JSON) -> Bool {
    guard let elements = value.array, !sorted.isEmpty else { return false }
    if sorted.count == 1, sorted[0].array != nil, JSONCollation.compare(value, sorted[0]) == 0 { return true }
    var isFound = Array(repeating: false, count: sorted.count)
    var missing = sorted.count
    for element in elements {
      guard let index = index(of: element), !isFound[index] else { continue }
      isFound[index] = true
      missing -= 1
      if missing == 0 { return true }
    }
    return false
  }

  private func index(of value: JSON) -> Int? {
    var range = sorted.startIndex..<sorted.endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      let order = JSONCollation.compare(value, sorted[middle])
      if order == 0 { return middle }
      range = order < 0 ? range.lowerBound..<middle : middle + 1..<range.upperBound
    }
    return nil
  }
}
