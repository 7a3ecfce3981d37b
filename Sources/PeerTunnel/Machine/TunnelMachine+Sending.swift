import DequeModule
import PouchCore

extension TunnelMachine {
  /// How much of a message may stay empty rather than have the beginning of a piece in it.
  private static let smallestPart = 512

  /// The next message: as many frames as fit, in their order of precedence.
  ///
  /// It is asked again when the channel has taken the message.
  /// - Returns: `nil` if there is nothing to be sent now.
  mutating func nextMessage(at now: ContinuousClock.Instant) -> OutgoingMessage? {
    var writer = MessageWriter(limit: min(limits.message, peer?.message ?? TunnelLimits.frame))
    var writable: [StreamNumber] = []
    switch phase {
    case .ended: return nil
    case .leaving(let reason, let text):
      writeHello(&writer)
      writer.append(.goodbye, payload: goodbye(reason, text))
      phase = .ended
    case .opening: writeHello(&writer)
    case .open:
      writeHello(&writer)
      writeControl(&writer, at: now)
      writeCancels(&writer, at: now)
      writeResponses(&writer, at: now)
      writeRequests(&writer, at: now)
      writeStreamCredits(&writer)
      writeBodies(&writer, &writable, at: now)
    }
    outstanding = writer.bytes.isEmpty ? nil : now
    return writer.bytes.isEmpty ? nil : OutgoingMessage(bytes: writer.bytes, writable: writable)
  }

  // MARK: Control

  private mutating func writeHello(_ writer: inout MessageWriter) {
    guard let hello = pendingHello else { return }
    writer.append(.hello, payload: hello.payload)
    pendingHello = nil
  }

  private func goodbye(_ reason: GoodbyeReason, _ text: String) -> [UInt8] {
    var payload: [UInt8] = []
    payload.appendInteger(reason.rawValue)
    payload.appendInteger(highestReceived)
    payload.append(contentsOf: text.utf8.prefix(TunnelLimits.reason))
    return payload
  }

  private mutating func writeControl(_ writer: inout MessageWriter, at now: ContinuousClock.Instant) {
    if let payload = pong, writer.room >= payload.count {
      writer.append(.pong, payload: payload)
      pong = nil
    }
    if ping.isDue, writer.room >= 8 { writePing(&writer, at: now) }
    while let frame = control.first, writer.room >= frame.payload.count {
      control.removeFirst()
      writer.append(frame.kind, frame.flags, id: frame.id, payload: frame.payload)
    }
    while let frame = pacedOpenings.first, writer.room >= frame.payload.count, sentOpenings.wouldAllow(at: now) {
      _ = sentOpenings.allows(at: now)
      pacedOpenings.removeFirst()
      writer.append(frame.kind, frame.flags, id: frame.id, payload: frame.payload)
    }
    if isConnectionCreditDue, writer.room >= 8 {
      isConnectionCreditDue = false
      writeCredit(0, receivingWindow.limit, &writer)
    }
  }

  /// Behind the requests, as some of them are followed by credit for the answer.
  private mutating func writeStreamCredits(_ writer: inout MessageWriter) {
    while writer.room >= 8, let number = dueCredits.popFirst() {
      guard let stream = streams[number], stream.isCreditDue else { continue }
      streams[number]?.isCreditDue = false
      guard stream.receiving == .head || stream.receiving == .body, !stream.isDiscarding else { continue }
      writeCredit(number, stream.receivingWindow.limit, &writer)
    }
  }

  private mutating func writePing(_ writer: inout MessageWriter, at now: ContinuousClock.Instant) {
    var payload: [UInt8] = []
    payload.appendInteger(ping.next)
    writer.append(.ping, payload: payload)
    if ping.awaited == nil { ping.awaited = (ping.next, now) }
    ping.next += 1
    ping.isDue = false
    ping.lastSent = now
    ping.receivedSince = 0
  }

  private func writeCredit(_ number: StreamNumber, _ limit: Int, _ writer: inout MessageWriter) {
    var payload: [UInt8] = []
    payload.appendInteger(UInt64(limit))
    writer.append(.credit, id: number, payload: payload)
  }

  private mutating func writeCancels(_ writer: inout MessageWriter, at now: ContinuousClock.Instant) {
    while let next = cancels.first, writer.room >= 2 + TunnelLimits.reason {
      cancels.removeFirst()
      write(next, &writer, at: now)
    }
    while let next = pacedCancels.first, writer.room >= 2 + TunnelLimits.reason {
      // What was answered completely meanwhile needs none.
      if let stream = streams[next.number], !stream.isOver {
        guard sentCancels.wouldAllow(at: now) else { return }
        _ = sentCancels.allows(at: now)
      }
      pacedCancels.removeFirst()
      write(next, &writer, at: now)
    }
  }

  private mutating func write(_ cancel: Cancel, _ writer: inout MessageWriter, at now: ContinuousClock.Instant) {
    guard let stream = streams[cancel.number] else { return }
    remove(cancel.number, at: now)
    guard !stream.isOver else { return }
    var payload: [UInt8] = []
    payload.appendInteger(cancel.reason.rawValue)
    payload.append(contentsOf: cancel.text.utf8.prefix(TunnelLimits.reason))
    writer.append(.cancel, id: cancel.number, payload: payload)
  }

  // MARK: Heads

  private mutating func writeResponses(_ writer: inout MessageWriter, at now: ContinuousClock.Instant) {
    while let number = responses.first {
      guard streams[number]?.sending == .head, streams[number]?.isCancelled == false else {
        responses.removeFirst()
        continue
      }
      guard writeHead(.response, number, &writer, at: now) else { return }
      responses.removeFirst()
    }
  }

  private mutating func writeRequests(_ writer: inout MessageWriter, at now: ContinuousClock.Instant) {
    while let number = requests.first {
      guard let stream = streams[number], stream.sending == .head, !stream.isCancelled else {
        requests.removeFirst()
        continue
      }
      guard stream.isOnWire || ownLive < peer?.streams ?? 0 else { return }
      guard writeHead(.request, number, &writer, at: now) else { return }
      requests.removeFirst()
    }
  }

  /// Writes a head, or as much of it as there is room for.
  /// - Returns: whether all of it was written.
  private mutating func writeHead(
    _ kind: FrameKind, _ number: StreamNumber, _ writer: inout MessageWriter, at now: ContinuousClock.Instant
  ) -> Bool {
    guard var stream = streams[number] else { return true }
    while !stream.head.isEmpty {
      let count = min(stream.head.count, writer.room)
      guard count == stream.head.count || count >= TunnelMachine.smallestPart else {
        streams[number] = stream
        return false
      }
      if !stream.isOnWire {
        stream.isOnWire = true
        stream.sendingWindow = SendingWindow(peer?.streamCredit ?? 0)
        ownLive += 1
        highestSent = number
      }
      let isLast = count == stream.head.count
      let isWhole = isLast && stream.isFinished && stream.unsent == 0
      writer.append(kind, isWhole ? .end : isLast ? [] : .more, id: number, payload: stream.head.prefix(count))
      stream.head = stream.head.dropFirst(count)
      stream.lastSent = now
      if isLast { stream.sending = isWhole ? .ended : .body }
    }
    stream.head = []
    streams[number] = stream
    if kind == .request { giveFirstCredit(to: number) }
    if stream.sending == .ended { sentEnd(of: number, at: now) } else { enterRing(number) }
    return true
  }

  /// Everything of a stream was sent.
  private mutating func sentEnd(of number: StreamNumber, at now: ContinuousClock.Instant) {
    if let stream = streams[number], stream.opener == .peer, stream.isDiscarding, !stream.isOver {
      // It is answered, and the rest of the request is not wanted.
      return cancel(number, .notWanted, at: now)
    }
    removeIfOver(number)
  }

  // MARK: Bodies

  private mutating func writeBodies(
    _ writer: inout MessageWriter, _ writable: inout [StreamNumber], at now: ContinuousClock.Instant
  ) {
    var idle = 0
    while idle < ring.count, writer.room >= 0, let number = ring.popFirst() {
      guard let index = streams.index(forKey: number) else { continue }
      guard streams.values[index].hasData(connectionRoom: sendingWindow.room) else {
        let stream = streams.values[index]
        if stream.sending == .body, stream.unsent > 0 {
          // It waits for credit, in line.
          ring.append(number)
          idle += 1
        } else {
          streams.values[index].isInRing = false
        }
        continue
      }
      let wanted = min(
        streams.values[index].unsent, streams.values[index].sendingWindow.room, sendingWindow.room,
        Frame.longestPayload)
      guard wanted <= writer.room || writer.room >= TunnelMachine.smallestPart else {
        ring.prepend(number)
        return
      }
      let count = min(wanted, writer.room)
      streams.values[index].writeData(count, &writer)
      streams.values[index].lastSent = now
      sendingWindow.send(count)
      idle = 0
      let stream = streams.values[index]
      if !stream.isFinished, stream.unsent < limits.unsentStream { writable.append(number) }
      if stream.sending == .ended {
        streams.values[index].isInRing = false
        sentEnd(of: number, at: now)
      } else if stream.unsent > 0 || stream.isFinished {
        ring.append(number)
      } else {
        streams.values[index].isInRing = false
      }
    }
  }
}

extension TunnelStream {
  /// Writes a frame of the body, and says with it if it is the last.
  fileprivate mutating func writeData(_ count: Int, _ writer: inout MessageWriter) {
    let isLast = isFinished && unsent == count
    if let first = pieces.first, first.count >= count {
      writer.append(.data, isLast ? .end : [], id: number, payload: first.prefix(count))
    } else {
      var joined: [UInt8] = []
      joined.reserveCapacity(count)
      for piece in pieces {
        joined.append(contentsOf: piece.prefix(count - joined.count))
        if joined.count == count { break }
      }
      writer.append(.data, isLast ? .end : [], id: number, payload: joined)
    }
    var rest = count
    while rest > 0, let first = pieces.first {
      if first.count <= rest {
        rest -= first.count
        pieces.removeFirst()
      } else {
        pieces[pieces.startIndex] = first.dropFirst(rest)
        rest = 0
      }
    }
    unsent -= count
    sendingWindow.send(count)
    if isLast { sending = .ended }
  }
}
