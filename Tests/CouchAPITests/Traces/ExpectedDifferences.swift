import Testing

/// The differences that a recording's answers may have from ours, and must have.
struct ExpectedDifferences {
  private let byNumber: [Int: KnownDifference]

  init(_ list: [KnownDifference]) {
    byNumber = Dictionary(
      list.flatMap { difference in difference.numbers.map { ($0, difference) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// What is known of an exchange.
  subscript(exchange: RecordedExchange) -> KnownDifference? { byNumber[exchange.number] }

  /// Fails the test unless just those were found that are known.
  func check(_ found: [Difference], of exchange: RecordedExchange) {
    let expected: Set<Difference.Kind>
    switch self[exchange]?.kind {
    case .differs(let kinds): expected = kinds
    default: expected = []
    }
    guard Set(found.map(\.kind)) != expected else { return }
    let list = found.map(\.description).joined(separator: "; ")
    Issue.record(
      "\(exchange.number) \(exchange.label): \(exchange.method) \(exchange.target.prefix(80)): \(list.isEmpty ? "no difference any more" : list)"
    )
  }
}
