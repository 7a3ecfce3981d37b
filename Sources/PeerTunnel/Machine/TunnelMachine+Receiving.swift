import DequeModule
import PouchCore

extension TunnelMachine {
  /// Takes a message of the peer.
  /// - Returns: what is to be done about it, in order.
  /// - Throws: what the peer did wrong. The session is over then: a goodbye with the reason is the next and last
  ///   message.
  mutating func receive(
    _ message: [UInt8], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) -> [TunnelEvent] {
    guard !isEnding else { return [] }
    lastReceived = now
    var events: [TunnelEvent] = []
    do throws(ProtocolViolation) {
      guard !message.isEmpty, message.count <= limits.message else { throw .badMessageLength }
      var reader = FrameReader(message[...])
      while let frame = try reader.next(), !isEnding { try take(frame, &events, at: now) }
    } catch {
      leave(GoodbyeReason(error), "\(error)")
      throw error
    }
    return events
  }

  private mutating func take(
    _ frame: Frame, _ events: inout [TunnelEvent], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) {
    guard peer != nil || frame.kind == .hello || frame.kind == .goodbye else { throw .helloExpected }
    switch frame.kind {
    case nil: break
    case .hello: try takeHello(frame, &events, at: now)
    case .open: try takeOpen(frame, &events, at: now)
    case .opened: try takeOpened(frame, &events)
    case .close: takeClose(frame, &events)
    case .request: try takeRequest(frame, &events, at: now)
    case .response: try takeResponse(frame, &events, at: now)
    case .data: try takeData(frame, &events, at: now)
    case .cancel: try takeCancel(frame, &events, at: now)
    case .credit: try takeCredit(frame, at: now)
    case .ping: try takePing(frame)
    case .pong: try takePong(frame, at: now)
    case .goodbye: try takeGoodbye(frame, &events)
    }
  }

  // MARK: The connection

  private mutating func takeHello(
    _ frame: Frame, _ events: inout [TunnelEvent], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) {
    guard peer == nil else { throw .secondHello }
    let hello = try Hello(frame.payload)
    guard verify(hello.proof) else { throw .wrongProof }
    peer = hello
    phase = .open
    sendingWindow = SendingWindow(hello.connectionCredit)
    ping.isDue = true
    events.append(.ready)
  }

  private mutating func takePing(_ frame: Frame) throws(ProtocolViolation) {
    guard frame.payload.count == 8 else { throw .malformedFrame }
    pong = Array(frame.payload)
  }

  private mutating func takePong(_ frame: Frame, at now: ContinuousClock.Instant) throws(ProtocolViolation) {
    var reader = PayloadReader(frame.payload)
    let number: UInt64 = try reader.integer()
    try reader.finish()
    guard let awaited = ping.awaited, awaited.number == number else { return }
    ping.awaited = nil
    let sample = now - awaited.sent
    roundTrip = roundTrip.map { ($0 * 7 + sample) / 8 } ?? sample
  }

  private mutating func takeGoodbye(_ frame: Frame, _ events: inout [TunnelEvent]) throws(ProtocolViolation) {
    var reader = PayloadReader(frame.payload)
    let reason = GoodbyeReason(code: try reader.integer())
    let taken: UInt32 = try reader.integer()
    events += end(.remote(reason, reader.reason()), taken: taken)
  }

  // MARK: Shares

  private mutating func takeOpen(
    _ frame: Frame, _ events: inout [TunnelEvent], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) {
    guard receivedOpenings.allows(at: now) else { throw .tooOften }
    let opening = try ShareOpening(frame.payload)
    if try shares.opening(frame.id, limit: limits.shares) {
      events.append(.opening(frame.id, opening))
    } else {
      answer(opening: frame.id, refusal: "Too many shares are open.")
    }
  }

  private mutating func takeOpened(_ frame: Frame, _ events: inout [TunnelEvent]) throws(ProtocolViolation) {
    var reader = PayloadReader(frame.payload)
    let code: UInt8 = try reader.integer()
    // It may have been given up meanwhile.
    guard shares.own[frame.id] == .opening else { return }
    shares.settle(own: frame.id, isOpen: code == 0)
    events.append(.opened(frame.id, refusal: code == 0 ? nil : reader.reason()))
  }

  private mutating func takeClose(_ frame: Frame, _ events: inout [TunnelEvent]) {
    if frame.flags.contains(.yours) {
      guard shares.remove(own: frame.id) else { return }
      events.append(.shareWithdrawn(frame.id, PayloadReader(frame.payload).reason()))
    } else if shares.remove(peers: frame.id) {
      events.append(.shareLeft(frame.id))
    }
  }

  // MARK: Heads

  private mutating func takeRequest(
    _ frame: Frame, _ events: inout [TunnelEvent], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) {
    let number = frame.id
    guard number != 0, !isOwn(number) else { throw .wrongStreamNumber }
    if number > highestReceived {
      guard peerLive < limits.streams else { throw .tooManyStreams }
      highestReceived = number
      peerLive += 1
      var stream = makeStream(number, .peer, share: 0, at: now)
      stream.isOnWire = true
      streams[number] = stream
    }
    guard let payload = try completeHead(frame, at: now) else { return }
    let head = try RequestHead(payload, limits)
    guard try shares.isOpen(peers: head.share) else { return cancel(number, .shareClosed, at: now) }
    streams[number]?.share = head.share
    streams[number]?.expected = head.length
    streams[number]?.receiving = .body
    events.append(.request(number, head))
    try endBody(number, frame.flags, &events)
  }

  private mutating func takeResponse(
    _ frame: Frame, _ events: inout [TunnelEvent], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) {
    let number = frame.id
    guard isOwn(number), number != 0, number <= highestSent else { throw .unknownStream }
    guard let payload = try completeHead(frame, at: now) else { return }
    let head = try ResponseHead(payload, limits)
    streams[number]?.expected = head.length
    streams[number]?.receiving = .body
    events.append(.response(number, head))
    try endBody(number, frame.flags, &events)
  }

  /// Puts the frames of a head together.
  /// - Returns: the head once it is complete; `nil` before, and for streams that are no more.
  private mutating func completeHead(
    _ frame: Frame, at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) -> ArraySlice<UInt8>? {
    guard let stream = streams[frame.id], !stream.isCancelled else { return nil }
    guard stream.receiving == .head else { throw .unexpectedFrame }
    guard stream.partialHead.count + frame.payload.count <= limits.head else { throw .headTooLarge }
    streams[frame.id]?.lastReceived = now
    let isComplete = !frame.flags.contains(.more)
    if isComplete, stream.partialHead.isEmpty { return frame.payload }
    streams[frame.id]?.partialHead += frame.payload
    guard isComplete else { return nil }
    let head = streams[frame.id]?.partialHead ?? []
    streams[frame.id]?.partialHead = []
    return head[...]
  }

  // MARK: Bodies

  private mutating func takeData(
    _ frame: Frame, _ events: inout [TunnelEvent], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) {
    let count = frame.payload.count
    try checkKnown(frame.id)
    try receivingWindow.receive(count)
    ping.receivedSince += count
    guard let index = streams.index(forKey: frame.id), !streams.values[index].isCancelled else {
      return consumeOfConnection(count, at: now)
    }
    guard streams.values[index].receiving == .body else { throw .unexpectedFrame }
    try streams.values[index].receivingWindow.receive(count)
    if let expected = streams.values[index].expected,
      Int64(streams.values[index].receivingWindow.received) > expected
    {
      throw .wrongBodyLength
    }
    streams.values[index].lastReceived = now
    if streams.values[index].isDiscarding {
      consume(count, of: frame.id, at: now)
    } else if count > 0 {
      let wasEmpty = streams.values[index].inbox.isEmpty
      streams.values[index].inbox.append(contentsOf: frame.payload)
      if wasEmpty, !frame.flags.contains(.end) { events.append(.readable(frame.id)) }
    }
    try endBody(frame.id, frame.flags, &events)
  }

  private mutating func endBody(
    _ number: StreamNumber, _ flags: FrameFlags, _ events: inout [TunnelEvent]
  ) throws(ProtocolViolation) {
    guard flags.contains(.end), let stream = streams[number], !stream.isCancelled else { return }
    if let expected = stream.expected, Int64(stream.receivingWindow.received) != expected { throw .wrongBodyLength }
    streams[number]?.receiving = stream.isDiscarding ? .done : .ended
    events.append(.readable(number))
    removeIfOver(number)
  }

  private mutating func takeCancel(
    _ frame: Frame, _ events: inout [TunnelEvent], at now: ContinuousClock.Instant
  ) throws(ProtocolViolation) {
    var reader = PayloadReader(frame.payload)
    let reason = CancelReason(code: try reader.integer())
    try checkKnown(frame.id)
    guard isOwn(frame.id) || receivedCancels.allows(at: now) else { throw .tooOften }
    guard let stream = streams[frame.id] else { return }
    if stream.opener == .own, stream.receiving == .ended || stream.receiving == .done, !stream.isCancelled {
      // The answer is complete: only the rest of the request is not wanted.
      streams[frame.id]?.pieces.removeAll()
      streams[frame.id]?.unsent = 0
      streams[frame.id]?.isFinished = true
      streams[frame.id]?.sending = .ended
      events.append(.unwanted(frame.id))
      return removeIfOver(frame.id)
    }
    remove(frame.id, at: now)
    guard !stream.isCancelled, stream.opener == .own || stream.receiving != .head else { return }
    events.append(.failed(frame.id, reason.error(reader.reason())))
  }

  private mutating func takeCredit(_ frame: Frame, at now: ContinuousClock.Instant) throws(ProtocolViolation) {
    var reader = PayloadReader(frame.payload)
    let limit = CreditOffset.reading(try reader.integer())
    try reader.finish()
    guard frame.id != 0 else {
      _ = sendingWindow.raise(to: limit)
      return
    }
    try checkKnown(frame.id)
    guard let index = streams.index(forKey: frame.id) else { return }
    if streams.values[index].sendingWindow.raise(to: limit) { streams.values[index].lastSent = now }
  }

  /// - Throws: ``ProtocolViolation/unknownStream`` for a number that was never used.
  private func checkKnown(_ number: StreamNumber) throws(ProtocolViolation) {
    guard number != 0, number <= (isOwn(number) ? highestSent : highestReceived) else { throw .unknownStream }
  }
}
