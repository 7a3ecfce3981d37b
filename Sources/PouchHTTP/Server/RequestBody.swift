import CouchAPI
import NIOCore
import PouchCore
import Synchronization

/// The body of one request while it is answered: pulled from the connection, counted, and over when the answer is.
final class RequestBody: Sendable {
  private struct State {
    var received: Int64 = 0
    var mayExpectContinue: Bool
    var isComplete = false
    /// The request was answered; what is left belongs to nobody.
    var isOver = false
    var failure: PouchError?
  }

  private let connection: Connection
  /// `Content-Length`, if given.
  let length: Int64?
  private let limit: Int64
  private let state: Mutex<State>

  init(_ connection: Connection, length: Int64?, limit: Int64, expectsContinue: Bool) {
    self.connection = connection
    self.length = length
    self.limit = limit
    state = Mutex(State(mayExpectContinue: expectsContinue))
  }

  var stream: ByteStream {
    ByteStream { { try await self.next() } }
  }

  private func next() async throws -> [UInt8]? {
    let (isOver, failure, mustContinue) = state.withLock { state in
      defer { state.mayExpectContinue = false }
      return (state.isOver || state.isComplete, state.failure, state.mayExpectContinue)
    }
    if let failure { throw failure }
    guard !isOver else { return nil }
    if mustContinue { connection.writeWithoutWaiting(.bytes(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))) }
    switch await connection.parts.next() {
    case .body(let buffer):
      var bytes = Array(buffer.readableBytesView)
      connection.parts.takeMore(onto: &bytes, upTo: HTTPTuning.bodyPiece)
      let count = Int64(bytes.count)
      let isTooMuch = state.withLock { state in
        state.received += count
        return state.received > limit
      }
      if isTooMuch { throw fail(PouchError(.requestTooLarge)) }
      return bytes
    case .end:
      state.withLock { $0.isComplete = true }
      return nil
    case .failure(let error):
      throw fail(error)
    case .head, nil:
      throw fail(Task.isCancelled ? PouchError(.cancelled) : HTTPFailure.disconnected)
    }
  }

  private func fail(_ error: PouchError) -> PouchError {
    state.withLock { $0.failure = error }
    return error
  }

  /// Why the body ended before its time, if it did.
  var failure: PouchError? { state.withLock { $0.failure } }

  /// Whether the next request can be read after this one: everything has come, or little is missing.
  var canBeSkipped: Bool {
    let (canBeSkipped, received) = state.withLock { state -> (Bool?, Int64) in
      if state.failure != nil { return (false, 0) }
      if state.isComplete { return (true, 0) }
      // Whether the client will send what it has announced is not known.
      if state.mayExpectContinue { return (false, 0) }
      return (nil, state.received)
    }
    if let canBeSkipped { return canBeSkipped }
    if let length { return length - received <= HTTPTuning.skippedBytes }
    return connection.parts.hasEnd
  }

  /// The request was answered.
  func end() {
    state.withLock { $0.isOver = true }
  }
}
