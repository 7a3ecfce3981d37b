import CouchAPI
import PouchCore

extension TunnelSession {
  /// Sends a request and returns the response as soon as its head is there.
  func send(_ request: Request, to share: ShareNumber) async throws -> Response {
    let exchange = Exchange(isOwn: true)
    let head = RequestHead(share: share, request)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        withState { state in
          if let failure = exchange.failure { return state.resumptions.add(continuation, .failure(failure)) }
          do throws(PouchError) {
            try self.begin(head, request.body, exchange, &state)
            exchange.head = continuation
          } catch {
            state.resumptions.add(continuation, .failure(error))
          }
        }
      }
    } onCancel: {
      cancel(exchange, PouchError(.cancelled))
    }
  }

  private func begin(
    _ head: RequestHead, _ body: Body, _ exchange: Exchange, _ state: inout SessionState
  ) throws(PouchError) {
    if let end = state.end { throw PouchError(.unreachable, end.reason) }
    let now = ContinuousClock.now
    switch body {
    case .empty: exchange.number = try state.machine.request(head, body: .complete([]), at: now)
    case .bytes(let bytes): exchange.number = try state.machine.request(head, body: .complete(bytes), at: now)
    case .stream(let stream, let length):
      exchange.number = try state.machine.request(head, body: .following, at: now)
      exchange.task = state.start { [self] key in
        do {
          try await pump(stream, length: length, to: exchange)
        } catch {
          cancel(exchange, error, .failed)
        }
        withState { $0.tasks[key] = nil }
      }
    }
    state.exchanges[exchange.number] = exchange
  }

  // MARK: Bodies on their way out

  /// Sends the pieces of a body as the peer takes them.
  /// - Throws: what the stream throws, ``PouchError/Code/badRequest`` if it has another length than was announced, and
  ///   why the stream to the peer has ended.
  func pump(_ body: ByteStream, length: Int64?, to exchange: Exchange) async throws {
    var pieces = body.makeAsyncIterator()
    var sent: Int64 = 0
    while let piece = try await pieces.next(isolation: #isolation) {
      sent += Int64(piece.count)
      if let length, sent > length { throw PouchError(.badRequest, "The body is longer than was announced.") }
      guard try await write(piece, to: exchange) else { return }
    }
    if let length, sent < length { throw PouchError(.badRequest, "The body is shorter than was announced.") }
    withState { $0.machine.finish(exchange.number) }
  }

  /// Writes a piece, and waits until there is room for another one.
  /// - Returns: whether more is wanted.
  private func write(_ piece: [UInt8], to exchange: Exchange) async throws -> Bool {
    enum Outcome { case done(Bool), wait }
    let outcome = try withState { state -> Outcome in
      if let failure = exchange.failure { throw failure }
      guard let unsent = state.machine.write(piece, to: exchange.number, at: .now) else { return .done(false) }
      return unsent < self.limits.unsentStream ? .done(true) : .wait
    }
    if case .done(let isWanted) = outcome { return isWanted }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        withState { state in
          if let failure = exchange.failure { return state.resumptions.add(continuation, .failure(failure)) }
          if Task.isCancelled { return state.resumptions.add(continuation, .failure(PouchError(.cancelled))) }
          guard let unsent = state.machine.unsent(of: exchange.number) else {
            return state.resumptions.add(continuation, .success(false))
          }
          if unsent < self.limits.unsentStream {
            state.resumptions.add(continuation, .success(true))
          } else {
            exchange.writer = continuation
          }
        }
      }
    } onCancel: {
      withState { state in
        state.resumptions.add(exchange.writer, .failure(PouchError(.cancelled)))
        exchange.writer = nil
      }
    }
  }

  // MARK: Bodies on their way in

  /// The next bytes of a body; `nil` at its end.
  func read(_ exchange: Exchange) async throws -> [UInt8]? {
    let reading = try withState { state -> StreamReading in
      if let failure = exchange.failure { throw failure }
      return state.machine.read(exchange.number, at: .now)
    }
    switch reading {
    case .bytes(let bytes): return bytes
    case .end: return nil
    case .nothing: break
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        withState { state in
          if let failure = exchange.failure { return state.resumptions.add(continuation, .failure(failure)) }
          if Task.isCancelled { return state.resumptions.add(continuation, .failure(PouchError(.cancelled))) }
          exchange.reader = continuation
          exchange.continueReading(&state, at: .now)
        }
      }
    } onCancel: {
      stopReading(exchange)
    }
  }

  /// The reader's task was cancelled: of a response the stream ends; a request may still be answered.
  private func stopReading(_ exchange: Exchange) {
    if exchange.isOwn { return cancel(exchange, PouchError(.cancelled)) }
    withState { state in
      state.resumptions.add(exchange.reader, .failure(PouchError(.cancelled)))
      exchange.reader = nil
      state.machine.stopReading(exchange.number, at: .now)
    }
  }

  /// Nobody has the body of a message any more.
  func drop(_ exchange: Exchange) {
    withState { state in
      guard exchange.failure == nil else { return }
      if exchange.isOwn {
        if !state.machine.isRead(exchange.number) { self.cancel(exchange, PouchError(.cancelled), .notWanted, &state) }
      } else {
        state.machine.stopReading(exchange.number, at: .now)
      }
    }
  }

  // MARK: Ending

  /// Ends an exchange.
  /// - Parameter error: what those who wait for it are told.
  func cancel(_ exchange: Exchange, _ error: any Error, _ reason: CancelReason = .notWanted) {
    withState { self.cancel(exchange, error, reason, &$0) }
  }

  private func cancel(
    _ exchange: Exchange, _ error: any Error, _ reason: CancelReason, _ state: inout SessionState
  ) {
    exchange.fail(error, &state.resumptions)
    guard exchange.number != 0 else { return }
    state.machine.cancel(exchange.number, reason, at: .now)
    state.cancel(exchange.task)
    state.exchanges[exchange.number] = nil
  }
}

extension TunnelMachine {
  /// How many bytes of a stream wait to be sent; `nil` if it takes none any more.
  func unsent(of number: StreamNumber) -> Int? {
    guard let stream = streams[number], !stream.isCancelled, !stream.isFinished, stream.sending != .ended else {
      return nil
    }
    return stream.unsent
  }

  /// Whether all that came of a stream, and its end, were read.
  func isRead(_ number: StreamNumber) -> Bool {
    streams[number].map { $0.receiving == .done } ?? true
  }
}

extension SessionState {
  /// Starts a task that is the session's.
  mutating func start(_ work: @escaping @Sendable (_ key: Int) async -> Void) -> Task<Void, Never> {
    let key = makeKey()
    let task = Task { await work(key) }
    tasks[key] = task
    return task
  }
}
