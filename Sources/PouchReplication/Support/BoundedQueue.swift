/// A queue between tasks, bounded by weight: whoever puts waits for room, whoever takes waits for elements.
///
/// An element that is heavier than the whole capacity passes alone.
final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State {
    var elements: [(element: Element, weight: Int)] = []
    var weight = 0
    var isFinished = false
  }

  private let capacity: Int
  private let monitor: Monitor<State>

  init(capacity: Int) {
    self.capacity = capacity
    monitor = Monitor(State())
  }

  /// Appends an element when there is room for it.
  func put(_ element: Element, weight: Int) async throws {
    try await monitor.wait { state -> Void? in
      guard state.elements.isEmpty || state.weight + weight <= capacity else { return nil }
      state.elements.append((element, weight))
      state.weight += weight
      return ()
    }
  }

  /// Says that nothing more comes. What is queued can still be taken.
  func finish() {
    monitor.update { $0.isFinished = true }
  }

  /// Takes the first element, and further ones as long as a condition holds.
  /// - Parameter fits: whether an element goes with those that were taken before it.
  /// - Returns: `nil` when the queue is finished and empty.
  func take(while fits: ([Element], Element) -> Bool = { _, _ in false }) async throws -> [Element]? {
    try await monitor.wait { state -> [Element]?? in
      guard let first = state.elements.first else { return state.isFinished ? .some(nil) : nil }
      var taken = [first.element]
      for next in state.elements.dropFirst() {
        guard fits(taken, next.element) else { break }
        taken.append(next.element)
      }
      state.weight -= state.elements.prefix(taken.count).reduce(0) { $0 + $1.weight }
      state.elements.removeFirst(taken.count)
      return taken
    }
  }
}
