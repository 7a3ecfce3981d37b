import CouchAPI
import HTTPTypes
import PouchCore

extension TunnelSession {
  /// Answers a request of the peer, in a task of its own.
  func serve(
    _ head: RequestHead, _ number: StreamNumber, _ state: inout SessionState, at now: ContinuousClock.Instant
  ) {
    guard state.requestsAtWork < limits.requests else { return state.machine.cancel(number, .refused, at: now) }
    guard let handler = state.handlers[head.share]?.respond else {
      return state.machine.cancel(number, .shareClosed, at: now)
    }
    let exchange = Exchange(isOwn: false)
    exchange.number = number
    state.exchanges[number] = exchange
    state.requestsAtWork += 1
    let body = body(head.length, of: exchange, &state, at: now)
    exchange.task = state.start { [self] key in
      await answer(head, body, exchange, handler)
      withState { state in
        state.requestsAtWork -= 1
        state.tasks[key] = nil
      }
    }
  }

  private func answer(_ head: RequestHead, _ body: Body, _ exchange: Exchange, _ handler: ShareHandler) async {
    let response: Response
    do throws(PouchError) {
      response = await handler(try head.request(body))
    } catch {
      response = Response(.badRequest, headers: [.contentType: "application/json"], body: .bytes(error.body))
    }
    do {
      try await send(response, to: exchange)
    } catch {
      // The reason is for the log of the one who shares; a peer learns that it failed.
      cancel(exchange, error, .failed)
    }
  }

  private func send(_ response: Response, to exchange: Exchange) async throws {
    let head = ResponseHead(response)
    let bytes: OutgoingBytes =
      switch response.body {
      case .empty: .complete([])
      case .bytes(let bytes): .complete(bytes)
      case .stream: .following
      }
    let isWanted = try withState { state in
      try state.machine.respond(to: exchange.number, head, body: bytes, at: .now)
    }
    guard isWanted, case .stream(let stream, let length) = response.body else { return }
    try await pump(stream, length: length, to: exchange)
  }

  // MARK: Shares

  /// Asks whether the peer may use a share, in a task of its own.
  func answer(_ opening: ShareOpening, _ number: ShareNumber, _ state: inout SessionState) {
    _ = state.start { [self] key in
      let decision = await decide(opening)
      withState { state in
        state.tasks[key] = nil
        switch decision {
        case .accepted(let handler):
          // The peer may have given it up meanwhile.
          guard state.machine.shares.peers[number] != nil else { return }
          state.handlers[number] = (opening.share, handler)
          state.machine.answer(opening: number, refusal: nil)
        case .refused(let reason): state.machine.answer(opening: number, refusal: reason)
        }
      }
    }
  }

  /// Ends the peer's use of a share: what is under way, and what would come. Other shares go on.
  /// - Parameter reason: is told to the peer; at most ``TunnelLimits/reason`` bytes.
  public func withdraw(_ share: String, _ reason: String = "This is not shared any more.") {
    withState { state in
      for (number, entry) in state.handlers where entry.share == share {
        state.handlers[number] = nil
        state.releaseLater(entry.respond)
        let error = PouchError(.notFound, reason)
        for stream in state.machine.withdrawShare(number, reason, at: .now) { state.fail(stream, error) }
      }
    }
  }
}

extension PouchError {
  /// `{"error": …, "reason": …}`
  fileprivate var body: [UInt8] { JSONText(["error": JSON(name), "reason": JSON(reason)]).bytes }
}
