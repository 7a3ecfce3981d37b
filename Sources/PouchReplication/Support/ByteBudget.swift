/// How many bytes the batches under way may hold together. Who waits first is served first: a large document would wait
/// for ever behind small ones that always find room.
final class ByteBudget: Sendable {
  private struct State {
    var held = 0
    /// The number that the next one to come draws.
    var next = 0
    /// The numbers of those who wait, in order.
    var waiting: [Int] = []
  }

  private let total: Int
  private let monitor = Monitor(State())

  init(total: Int) {
    self.total = total
  }

  /// The bytes that are held.
  var held: Int { monitor.state.held }
  /// How many wait.
  var waiting: Int { monitor.state.waiting.count }

  /// Waits until so many bytes are free, and takes them. Who wants more than there is waits until nobody holds any.
  func acquire(_ bytes: Int) async throws {
    let number = monitor.update { state in
      state.next += 1
      state.waiting.append(state.next)
      return state.next
    }
    do {
      try await monitor.wait { state -> Void? in
        guard state.waiting.first == number, state.held <= 0 || state.held + bytes <= total else { return nil }
        state.waiting.removeFirst()
        state.held += bytes
        return ()
      }
    } catch {
      monitor.update { $0.waiting.removeAll { $0 == number } }
      throw error
    }
  }

  /// Takes more bytes without waiting: those of documents that turned out larger and are here already. A negative
  /// number gives bytes back.
  func charge(_ bytes: Int) {
    monitor.update { $0.held += bytes }
  }

  /// Gives bytes back.
  func release(_ bytes: Int) {
    monitor.update { $0.held -= bytes }
  }
}
