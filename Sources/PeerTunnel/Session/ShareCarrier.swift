public import CouchAPI
import PouchCore

/// Brings requests to a share of the peer: what a ``RemoteDatabase`` of it works over.
///
/// Requests end with ``PouchError/Code/unreachable`` if the peer has certainly not looked at them, and with
/// ``PouchError/Code/badResponse`` or ``PouchError/Code/timeout`` if the session ended, or the peer gave up, in the
/// middle. Nothing is compressed, and nothing redirected.
public struct ShareCarrier: Carrier {
  private let session: TunnelSession
  private let share: ShareNumber

  init(_ session: TunnelSession, _ share: ShareNumber) {
    self.session = session
    self.share = share
  }

  public func send(_ request: Request) async throws -> Response {
    try await session.send(request, to: share)
  }

  /// By ``TunnelLimits/answer`` and ``TunnelLimits/stall``.
  public var endsSilentExchanges: Bool { true }

  /// Tells the peer that the share is not used any more. Requests that are under way go on.
  public func close() async {
    session.withState { $0.machine.leaveShare(share) }
  }
}

extension TunnelSession {
  /// The share that the connection was made for; for the opener only, requests of the sharer to it are refused.
  public var firstShare: ShareCarrier { ShareCarrier(self, 0) }

  /// Waits until the peer has proved who it is.
  /// - Throws: ``PouchError/Code/unreachable`` if the session ends first, ``PouchError/Code/cancelled``.
  public func ready() async throws {
    let key = withState { $0.makeKey() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        withState { state in
          if let end = state.end {
            state.resumptions.add(continuation, .failure(PouchError(.unreachable, end.reason)))
          } else if state.machine.peer != nil {
            state.resumptions.add(continuation, .success(()))
          } else if Task.isCancelled {
            state.resumptions.add(continuation, .failure(PouchError(.cancelled)))
          } else {
            state.readiness[key] = continuation
          }
        }
      }
    } onCancel: {
      withState { state in
        state.resumptions.add(state.readiness.removeValue(forKey: key), .failure(PouchError(.cancelled)))
      }
    }
  }

  /// Asks to use another share of the peer over this connection.
  /// - Returns: what brings requests to it, once the peer has agreed; that may take until somebody is asked.
  /// - Throws: ``PouchError/Code/forbidden`` with the peer's reason if it refuses, ``PouchError/Code/unreachable`` if
  ///   the session ends first, ``PouchError/Code/cancelled``.
  public func open(_ opening: ShareOpening) async throws -> ShareCarrier {
    let key = withState { $0.makeKey() }
    let number = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<ShareNumber, any Error>) in
        withState { state in
          if let end = state.end {
            state.resumptions.add(continuation, .failure(PouchError(.unreachable, end.reason)))
          } else if Task.isCancelled {
            state.resumptions.add(continuation, .failure(PouchError(.cancelled)))
          } else if let number = state.machine.open(opening) {
            state.openings[number] = (key, continuation)
          } else {
            state.resumptions.add(continuation, .failure(PouchError(.unreachable)))
          }
        }
      }
    } onCancel: {
      withState { state in
        guard let (number, opening) = state.openings.first(where: { $0.value.key == key }) else { return }
        state.openings[number] = nil
        state.machine.leaveShare(number)
        state.resumptions.add(opening.continuation, .failure(PouchError(.cancelled)))
      }
    }
    return ShareCarrier(self, number)
  }

  func settle(_ number: ShareNumber, _ refusal: String?, _ state: inout SessionState) {
    guard let continuation = state.openings.removeValue(forKey: number)?.continuation else { return }
    if let refusal {
      state.resumptions.add(continuation, .failure(PouchError(.forbidden, refusal)))
    } else {
      state.resumptions.add(continuation, .success(number))
    }
  }

  /// Says goodbye and ends the session.
  /// - Parameter text: for the peer's log; at most ``TunnelLimits/reason`` bytes.
  public func leave(_ reason: GoodbyeReason = .done, _ text: String = "") {
    withState { state in
      state.machine.leave(reason, text)
      _ = state.settle(.local(reason))
    }
  }
}
