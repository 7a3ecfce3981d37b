extension TunnelMachine {
  /// Asks to use another share of the peer, as soon as the pace of openings allows it.
  /// - Returns: the number under which it is used once the peer has agreed; `nil` if the session is over.
  mutating func open(_ opening: ShareOpening) -> ShareNumber? {
    guard !isEnding else { return nil }
    let number = shares.open()
    pacedOpenings.append(ControlFrame(kind: .open, id: number, payload: opening.payload))
    return number
  }

  /// Answers a peer's opening.
  /// - Parameter refusal: why it is refused; `nil` lets the peer in.
  mutating func answer(opening number: ShareNumber, refusal: String?) {
    shares.settle(peers: number, isOpen: refusal == nil)
    var payload: [UInt8] = [refusal == nil ? 0 : 1]
    payload.append(contentsOf: (refusal ?? "").utf8.prefix(TunnelLimits.reason))
    control.append(ControlFrame(kind: .opened, id: number, payload: payload))
  }

  /// Says that this side does not use a share any more. Requests that are under way go on.
  mutating func leaveShare(_ number: ShareNumber) {
    guard shares.remove(own: number) else { return }
    // What the peer was not asked for, it need not be told of.
    if let waiting = pacedOpenings.firstIndex(where: { $0.id == number }) {
      pacedOpenings.remove(at: waiting)
      return
    }
    control.append(ControlFrame(kind: .close, id: number, payload: []))
  }

  /// Says that a share is not given to the peer any more, and ends its requests.
  /// - Returns: the streams that are over.
  mutating func withdrawShare(
    _ number: ShareNumber, _ reason: String, at now: ContinuousClock.Instant
  ) -> [StreamNumber] {
    guard shares.remove(peers: number) else { return [] }
    control.append(
      ControlFrame(kind: .close, flags: .yours, id: number, payload: Array(reason.utf8.prefix(TunnelLimits.reason))))
    let over = streams.values.filter { $0.opener == .peer && $0.share == number && !$0.isCancelled }.map(\.number)
    for number in over { cancel(number, .failed, reason, at: now) }
    return over
  }
}
