import PouchCore

/// Pieces of the feed that are finished in any order, and the position up to which all of them are.
struct ContiguousPrefix: Sendable {
  private struct Piece: Sendable {
    let end: UpdateSequence
    var isDone = false
  }

  /// The pieces after the finished prefix.
  private var pieces: [Piece] = []
  /// The number of the first of them.
  private var first = 0
  /// The end of the finished prefix; `nil` before anything was finished.
  private(set) var position: UpdateSequence?

  /// Whether every piece that was begun is finished.
  var isComplete: Bool { pieces.isEmpty }

  /// Begins the piece that follows the last one.
  /// - Returns: its number.
  mutating func begin(endingAt end: UpdateSequence) -> Int {
    pieces.append(Piece(end: end))
    return first + pieces.count - 1
  }

  /// Finishes pieces by their numbers.
  /// - Returns: whether the prefix grew.
  @discardableResult
  mutating func finish(_ numbers: ClosedRange<Int>) -> Bool {
    for number in numbers where pieces.indices.contains(number - first) { pieces[number - first].isDone = true }
    let done = pieces.prefix { $0.isDone }
    guard let last = done.last else { return false }
    position = last.end
    first += done.count
    pieces.removeFirst(done.count)
    return true
  }
}
