/// How many documents to put into the next request, when larger ones failed.
struct PartSize: Sendable, Equatable {
  private(set) var count: Int
  private let most: Int

  init(_ most: Int) {
    self.most = max(1, most)
    count = self.most
  }

  /// Halves the size after a request that failed.
  /// - Returns: whether it can be made smaller; `false` for a request of one document.
  mutating func shrink(from tried: Int) -> Bool {
    guard tried > 1 else { return false }
    count = tried / 2
    return true
  }

  /// Doubles the size after a request that passed.
  mutating func grow() {
    count = min(count * 2, most)
  }
}
