import DequeModule
import PouchCore

/// What of a body is there when its head goes.
enum OutgoingBytes: Sendable, Hashable {
  /// All of it.
  case complete([UInt8])
  /// The pieces come by and by.
  case following
}

extension TunnelMachine {
  // MARK: Opening and answering

  /// Opens a stream with a request. It waits while the peer allows no more streams.
  /// - Throws: ``PouchError/Code/unreachable`` if the session is over, the share is not open, or all numbers are used
  ///   up; ``PouchError/Code/badRequest`` for a head that is too large.
  mutating func request(
    _ head: RequestHead, body: OutgoingBytes, at now: ContinuousClock.Instant
  ) throws(PouchError) -> StreamNumber {
    guard !isEnding else { throw PouchError(.unreachable, "The connection to the peer was closed.") }
    guard shares.own[head.share] == .open else {
      throw PouchError(.unreachable, "The peer does not give this share any more.")
    }
    guard let number = StreamNumber(exactly: nextNumber) else {
      leave(.numbersUsedUp)
      throw PouchError(.unreachable, "The connection to the peer has to be made anew.")
    }
    let payload = try head.payload(limits)
    nextNumber += 2
    var stream = makeStream(number, .own, share: head.share, at: now)
    stream.sending = .head
    stream.head = payload[...]
    streams[number] = stream
    requests.append(number)
    put(body, into: number, at: now)
    return number
  }

  /// Answers a request.
  /// - Returns: `false` if the stream is no more.
  /// - Throws: ``PouchError/Code/internalError`` for a head that is too large; the stream can still be answered.
  mutating func respond(
    to number: StreamNumber, _ head: ResponseHead, body: OutgoingBytes, at now: ContinuousClock.Instant
  ) throws(PouchError) -> Bool {
    guard let stream = streams[number], stream.sending == .noHead, !stream.isCancelled else { return false }
    let payload = try head.payload(limits)
    streams[number]?.head = payload[...]
    streams[number]?.sending = .head
    responses.append(number)
    put(body, into: number, at: now)
    return true
  }

  func makeStream(
    _ number: StreamNumber, _ opener: TunnelStream.Opener, share: ShareNumber, at now: ContinuousClock.Instant
  ) -> TunnelStream {
    TunnelStream(
      number: number, opener: opener, share: share, sending: .noHead,
      sendingWindow: SendingWindow(peer?.streamCredit ?? 0), lastSent: now,
      receivingWindow: ReceivingWindow(limits.streamCredit, upTo: limits.longestStreamCredit, at: now),
      lastReceived: now)
  }

  /// Gives the answer to a request more credit than the hello said, if another one has come to need it: on a long way each
  /// answer would otherwise find that out again.
  ///
  /// It is what the other one has, but no more than ``TunnelLimits/firstStreamCredit``, nor than an eighth of what the
  /// connection has room for: answers that nobody reads must not be what the others wait for.
  mutating func giveFirstCredit(to number: StreamNumber) {
    guard let index = streams.index(forKey: number) else { return }
    let room = receivingWindow.limit - receivingWindow.received
    let credit = min(widestStream, limits.firstStreamCredit, room / 8)
    guard streams.values[index].receivingWindow.begin(with: credit), !streams.values[index].isCreditDue else { return }
    streams.values[index].isCreditDue = true
    dueCredits.append(number)
  }

  private mutating func put(_ body: OutgoingBytes, into number: StreamNumber, at now: ContinuousClock.Instant) {
    guard case .complete(let bytes) = body else { return }
    _ = write(bytes, to: number, at: now)
    finish(number)
  }

  // MARK: Sending bodies

  /// Adds a piece to a body.
  /// - Returns: how many bytes wait now; `nil` if the stream takes none any more.
  mutating func write(_ bytes: [UInt8], to number: StreamNumber, at now: ContinuousClock.Instant) -> Int? {
    guard let index = streams.index(forKey: number) else { return nil }
    guard !streams.values[index].isCancelled, !streams.values[index].isFinished, streams.values[index].sending != .ended
    else { return nil }
    guard !bytes.isEmpty else { return streams.values[index].unsent }
    if streams.values[index].unsent == 0 { streams.values[index].lastSent = now }
    streams.values[index].pieces.append(bytes[...])
    streams.values[index].unsent += bytes.count
    enterRing(number)
    return streams.values[index].unsent
  }

  /// Says that a body is complete.
  mutating func finish(_ number: StreamNumber) {
    guard streams[number]?.isCancelled == false else { return }
    streams[number]?.isFinished = true
    enterRing(number)
  }

  /// Puts a stream in line if it has anything of its body to send.
  mutating func enterRing(_ number: StreamNumber) {
    guard let index = streams.index(forKey: number) else { return }
    let stream = streams.values[index]
    guard !stream.isInRing, stream.sending == .body, stream.unsent > 0 || stream.isFinished else { return }
    streams.values[index].isInRing = true
    ring.append(number)
  }

  // MARK: Reading bodies

  /// Takes all bytes of a stream that are there, and gives the peer credit for others.
  mutating func read(_ number: StreamNumber, at now: ContinuousClock.Instant) -> StreamReading {
    guard let index = streams.index(forKey: number) else { return .end }
    if streams.values[index].inbox.isEmpty {
      switch streams.values[index].receiving {
      case .ended, .done:
        streams.values[index].receiving = .done
        removeIfOver(number)
        return .end
      case .head, .body: return .nothing
      }
    }
    var bytes: [UInt8] = []
    swap(&bytes, &streams.values[index].inbox)
    streams.values[index].lastReceived = now
    consume(bytes.count, of: number, at: now)
    return .bytes(bytes)
  }

  /// Gives credit for bytes that are gone.
  mutating func consume(_ count: Int, of number: StreamNumber, at now: ContinuousClock.Instant) {
    if let index = streams.index(forKey: number) {
      let isDue = streams.values[index].receivingWindow.consume(count, at: now, roundTrip: roundTrip)
      let stream = streams.values[index]
      if isDue, stream.receiving == .body, !stream.isDiscarding, !stream.isCreditDue {
        streams.values[index].isCreditDue = true
        dueCredits.append(number)
        widestStream = max(widestStream, stream.receivingWindow.size)
        receivingWindow.widen(to: stream.receivingWindow.size * 2)
      }
    }
    consumeOfConnection(count, at: now)
  }

  mutating func consumeOfConnection(_ count: Int, at now: ContinuousClock.Instant) {
    if receivingWindow.consume(count, at: now, roundTrip: roundTrip) { isConnectionCreditDue = true }
  }

  /// Says that nobody wants the rest of what the other side sends. Of a stream that this side has answered completely,
  /// or will, the other side is told to stop once the answer has gone.
  mutating func stopReading(_ number: StreamNumber, at now: ContinuousClock.Instant) {
    guard let stream = streams[number], !stream.isCancelled, !stream.isDiscarding else { return }
    discard(number, at: now)
    guard let stream = streams[number] else { return }
    switch stream.receiving {
    case .ended: streams[number]?.receiving = .done
    case .done: break
    case .head, .body: if stream.sending == .ended { cancel(number, .notWanted, at: now) }
    }
    removeIfOver(number)
  }

  /// Throws away what has come of a stream, and what comes.
  mutating func discard(_ number: StreamNumber, at now: ContinuousClock.Instant) {
    guard let stream = streams[number] else { return }
    streams[number]?.isDiscarding = true
    streams[number]?.inbox = []
    if !stream.inbox.isEmpty { consumeOfConnection(stream.inbox.count, at: now) }
  }

  // MARK: Ending streams

  /// Ends a stream before its time. Afterwards nothing of it can be read or written.
  mutating func cancel(
    _ number: StreamNumber, _ reason: CancelReason, _ text: String = "", at now: ContinuousClock.Instant
  ) {
    guard let stream = streams[number], !stream.isCancelled else { return }
    guard stream.isOnWire else { return remove(number, at: now) }
    discard(number, at: now)
    streams[number]?.isCancelled = true
    streams[number]?.pieces.removeAll()
    streams[number]?.unsent = 0
    let cancel = Cancel(number: number, reason: reason, text: text)
    if stream.opener == .own { pacedCancels.append(cancel) } else { cancels.append(cancel) }
  }

  /// Forgets a stream on which nothing will happen any more.
  mutating func removeIfOver(_ number: StreamNumber) {
    guard let stream = streams[number], stream.isOver, !stream.isCancelled else { return }
    countOut(stream)
    guard stream.receiving == .done || stream.isDiscarding else { return }
    _ = forget(number)
  }

  /// Forgets a stream, whatever it stands at.
  mutating func remove(_ number: StreamNumber, at now: ContinuousClock.Instant) {
    guard let stream = forget(number) else { return }
    countOut(stream)
    if !stream.inbox.isEmpty { consumeOfConnection(stream.inbox.count, at: now) }
  }

  /// A stream on which nothing more comes or goes makes room for another one.
  private mutating func countOut(_ stream: TunnelStream) {
    guard stream.isOnWire else { return }
    streams[stream.number]?.isOnWire = false
    switch stream.opener {
    case .own: ownLive -= 1
    case .peer: peerLive -= 1
    }
  }
}
