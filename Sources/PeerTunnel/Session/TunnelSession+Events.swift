import CouchAPI
import PouchCore

extension TunnelSession {
  /// Does what the peer's doings ask for.
  func handle(_ events: [TunnelEvent], _ state: inout SessionState, at now: ContinuousClock.Instant) {
    for event in events {
      switch event {
      case .ready:
        for (_, continuation) in state.readiness { state.resumptions.add(continuation, .success(())) }
        state.readiness = [:]
      case .opening(let number, let opening): answer(opening, number, &state)
      case .opened(let number, let refusal): settle(number, refusal, &state)
      case .shareWithdrawn: break
      case .shareLeft(let number):
        if let handler = state.handlers.removeValue(forKey: number) { state.releaseLater(handler.respond) }
      case .request(let number, let head): serve(head, number, &state, at: now)
      case .response(let number, let head): deliver(head, number, &state, at: now)
      case .readable(let number): state.exchanges[number]?.continueReading(&state, at: now)
      case .unwanted(let number): state.exchanges[number]?.stopWriting(&state.resumptions)
      case .failed(let number, let error): state.fail(number, error)
      case .ended(let end): _ = state.settle(end)
      }
    }
  }

  /// Gives a response to the one who waits for it.
  private func deliver(
    _ head: ResponseHead, _ number: StreamNumber, _ state: inout SessionState, at now: ContinuousClock.Instant
  ) {
    guard let exchange = state.exchanges[number] else { return }
    let body = body(head.length, of: exchange, &state, at: now)
    state.resumptions.add(exchange.head, .success(head.response(body)))
    exchange.head = nil
  }

  /// The body of a message: in memory if all of it is there already, as it is for most.
  func body(
    _ length: Int64?, of exchange: Exchange, _ state: inout SessionState, at now: ContinuousClock.Instant
  ) -> Body {
    guard state.machine.isComplete(exchange.number) else {
      let incoming = IncomingBody(self, exchange)
      // Its reader may have dropped it before this returns.
      state.releaseLater(incoming)
      return incoming.body(length: length)
    }
    var bytes: [UInt8] = []
    while case .bytes(let piece) = state.machine.read(exchange.number, at: now) {
      if bytes.isEmpty { bytes = piece } else { bytes += piece }
    }
    return bytes.isEmpty ? .empty : .bytes(bytes)
  }
}

extension Exchange {
  /// Gives a waiting reader what there is.
  func continueReading(_ state: inout SessionState, at now: ContinuousClock.Instant) {
    guard let reader else { return }
    switch state.machine.read(number, at: now) {
    case .bytes(let bytes): state.resumptions.add(reader, .success(bytes))
    case .end: state.resumptions.add(reader, .success(nil))
    case .nothing: return
    }
    self.reader = nil
  }

  /// Lets a waiting writer go on.
  func continueWriting(_ resumptions: inout Resumptions) {
    resumptions.add(writer, .success(true))
    writer = nil
  }

  /// Tells a waiting writer that no more is wanted.
  func stopWriting(_ resumptions: inout Resumptions) {
    resumptions.add(writer, .success(false))
    writer = nil
  }
}
