/// How many bytes the batches under way may hold together.
final class ByteBudget: Sendable {
  private struct State {
    var held = 0
  }

  private let total: Int
  private let monitor = Monitor(State())

  init(total: Int) {
    self.total = total
  }

  /// The bytes that are held.
  var held: Int { monitor.state.held }

  /// Waits until so many bytes are free, and takes them. Who wants more than there is waits until nobody holds any.
  func acquire(_ bytes: Int) async throws {
    try await monitor.wait { state -> Void? in
      guard state.held <= 0 || state.held + bytes <= total else { return nil }
      state.held += bytes
      return ()
    }
  }

  /// Takes more bytes without waiting: those of documents that turned out larger and are here already.
  func charge(_ bytes: Int) {
    monitor.update { $0.held += bytes }
  }

  /// Gives bytes back.
  func release(_ bytes: Int) {
    monitor.update { $0.held -= bytes }
  }
}
