import PouchCore

extension UpdateSequence {
  /// The number that a position begins with: that of an embedded database, the sum over CouchDB's shards, or the whole
  /// of PouchDB's.
  private var leadingNumber: Int64? {
    if isStart { return 0 }
    if let numbered { return numbered.number }
    return Int64(description.prefix { $0 != "-" })
  }

  /// Whether the numbers of two positions count the same things.
  private func isComparable(with other: UpdateSequence) -> Bool {
    if isStart || other.isStart { return true }
    switch (numbered, other.numbered) {
    case (let own?, let others?): return own.epoch == others.epoch
    case (nil, nil): return true
    default: return false
    }
  }

  /// How many changes lie between an earlier position and this one, if that can be told; at least 0.
  func distance(from earlier: UpdateSequence) -> Int? {
    guard isComparable(with: earlier), let own = leadingNumber, let others = earlier.leadingNumber else { return nil }
    let (distance, overflow) = own.subtractingReportingOverflow(others)
    return overflow ? nil : Int(max(0, distance))
  }

  /// The earlier of two positions of one database; `nil` if it cannot be told.
  static func earlier(_ left: UpdateSequence, _ right: UpdateSequence) -> UpdateSequence? {
    if left == right { return left }
    guard left.isComparable(with: right), let leftNumber = left.leadingNumber, let rightNumber = right.leadingNumber,
      leftNumber != rightNumber
    else { return nil }
    return leftNumber < rightNumber ? left : right
  }

  /// Whether this position of an embedded database has reached another one of the same history.
  func hasReached(_ other: UpdateSequence) -> Bool {
    guard let own = numbered, let others = other.numbered else { return false }
    return own.epoch == others.epoch && own.number >= others.number
  }
}
