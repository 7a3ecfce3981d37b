import CouchAPI
import PouchCore

/// What the two ends of a stream within this program wait for.
final class Exchange: @unchecked Sendable {
  // SAFETY: All properties but `isOwn` are read and written under the lock of the session that made it, and only there.

  /// Whether this side has sent the request.
  let isOwn: Bool
  /// 0 before the request was handed to the machine.
  var number: StreamNumber = 0
  /// Why nothing can be read and written any more.
  var failure: (any Error)?
  /// Waits for the head of the response.
  var head: CheckedContinuation<Response, any Error>?
  /// Waits for bytes, or the end.
  var reader: CheckedContinuation<[UInt8]?, any Error>?
  /// Waits until more can be written: `false` if no more is wanted.
  var writer: CheckedContinuation<Bool, any Error>?
  /// What sends the request's body, or answers it.
  var task: Task<Void, Never>?

  init(isOwn: Bool) {
    self.isOwn = isOwn
  }

  /// Ends whatever waits.
  func fail(_ error: any Error, _ resumptions: inout Resumptions) {
    if failure == nil { failure = error }
    resumptions.add(head, .failure(error))
    resumptions.add(reader, .failure(error))
    resumptions.add(writer, .failure(error))
    (head, reader, writer) = (nil, nil, nil)
  }
}

/// The body of a request or a response that comes from the peer: when it is dropped, the rest is not wanted.
final class IncomingBody: Sendable {
  private let session: TunnelSession
  private let exchange: Exchange

  init(_ session: TunnelSession, _ exchange: Exchange) {
    self.session = session
    self.exchange = exchange
  }

  deinit { session.drop(exchange) }

  /// The bytes, as they come. Can be read once.
  func body(length: Int64?) -> Body {
    .stream(ByteStream { { try await self.session.read(self.exchange) } }, length: length)
  }
}
