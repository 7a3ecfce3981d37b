import NIOCore
import NIOHTTP1
import PouchCore
import Synchronization

/// What has arrived on a connection and waits for the connection's task, in its order.
///
/// The event loop appends, one task takes. It is bounded by ``isFull``, upon which the event loop stops reading.
final class RequestParts: Sendable {
  enum Part: Sendable {
    case head(HTTPRequestHead)
    case body(ByteBuffer)
    case end
    /// Nothing that can be read follows; the error says why.
    case failure(PouchError)
  }

  private struct State {
    var parts = CircularBuffer<Part>(initialCapacity: 2)
    var bytes = 0
    var isFinished = false
    var isPaused = false
    var waiter: CheckedContinuation<Bool, Never>?

    var isFull: Bool { bytes >= HTTPTuning.inboundBytes || parts.count >= HTTPTuning.inboundParts }

    mutating func take() -> Part? {
      guard let part = parts.popFirst() else { return nil }
      if case .body(let buffer) = part { bytes -= buffer.readableBytes }
      return part
    }
  }

  private let state = Mutex(State())
  /// Reads on from the socket.
  private let resume: @Sendable () -> Void

  init(resume: @escaping @Sendable () -> Void) {
    self.resume = resume
  }

  func append(_ part: Part) {
    let waiter = state.withLock { state in
      guard !state.isFinished else { return nil as CheckedContinuation<Bool, Never>? }
      state.parts.append(part)
      if case .body(let buffer) = part { state.bytes += buffer.readableBytes }
      if case .failure = part { state.isFinished = true }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: true)
  }

  /// Nothing more will come.
  func finish() {
    let waiter = state.withLock { state in
      state.isFinished = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: true)
  }

  /// Whether reading must pause; if so, the closure given at the start is called when it may go on.
  func pauseIfFull() -> Bool {
    state.withLock { state in
      state.isPaused = state.isFull
      return state.isPaused
    }
  }

  /// The next part, once there is one; `nil` after the last one, or when the task is cancelled.
  func next() async -> Part? {
    while true {
      let (part, isFinished, mayResume) = state.withLock { state in
        let part = state.take()
        let mayResume = state.isPaused && state.parts.isEmpty
        if mayResume { state.isPaused = false }
        return (part, state.isFinished, mayResume)
      }
      if mayResume { resume() }
      if part != nil || isFinished || Task.isCancelled { return part }
      guard await wait() else { return nil }
    }
  }

  /// Takes what of a body is there already, up to a size, after a first piece.
  func takeMore(onto bytes: inout [UInt8], upTo limit: Int) {
    state.withLock { state in
      while case .body(let buffer)? = state.parts.first, bytes.count + buffer.readableBytes <= limit {
        bytes.append(contentsOf: buffer.readableBytesView)
        _ = state.take()
      }
    }
  }

  /// Whether the request whose body is being read has arrived completely.
  var hasEnd: Bool {
    state.withLock { state in
      state.parts.contains { if case .end = $0 { true } else { false } }
    }
  }

  /// Waits for something to happen.
  /// - Returns: `false` if somebody else waits already: two readers at a time would be a mistake, and find nothing.
  private func wait() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
        let answer: Bool? = state.withLock { state in
          guard state.waiter == nil else { return false }
          guard state.parts.isEmpty, !state.isFinished, !Task.isCancelled else { return true }
          state.waiter = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: true)
    }
  }
}
