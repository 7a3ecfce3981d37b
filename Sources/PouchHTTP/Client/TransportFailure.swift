import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PouchCore

/// What prevents a response, in the codes of ``PouchError``.
enum TransportFailure {
  static func pouchError(_ error: any Error, to origin: String) -> PouchError {
    switch error {
    case let error as PouchError: error
    case is CancellationError: PouchError(.cancelled)
    case let error as HTTPClientError: pouchError(error, origin)
    case let error as NIOConnectionError: unreachable(origin, connectionFailure(error), error)
    case let error as NIOSSLError: unreachable(origin, "TLS failed: \(error)", error)
    case let error as BoringSSLError: unreachable(origin, "TLS failed: \(error)", error)
    case let error as NIOSSLExtraError: unreachable(origin, "TLS failed: \(error)", error)
    case let error as SocketAddressError: unreachable(origin, "its name is not known", error)
    case let error as IOError: unreachable(origin, "\(error)", error)
    case let error as ChannelError: unreachable(origin, "the connection was closed: \(error)", error)
    case is HTTPParserError, is NIOHTTPDecoderError:
      PouchError(.badResponse, "The answer of \(origin) is no HTTP.", underlying: error)
    default: PouchError(.badResponse, "The answer of \(origin) could not be read: \(error)", underlying: error)
    }
  }

  private static func pouchError(_ error: HTTPClientError, _ origin: String) -> PouchError {
    switch error {
    case .cancelled: PouchError(.cancelled, underlying: error)
    case .alreadyShutdown: PouchError(.cancelled, "The carrier was closed.", underlying: error)
    case .connectTimeout, .tlsHandshakeTimeout, .deadlineExceeded, .readTimeout, .writeTimeout,
      .getConnectionFromPoolTimeout:
      PouchError(.timeout, "\(origin) did not answer in time.", underlying: error)
    case .remoteConnectionClosed, .uncleanShutdown:
      unreachable(origin, "the connection was closed", error)
    case .bodyLengthMismatch:
      PouchError(.badRequest, "The body has not the length that was announced.", underlying: error)
    default: PouchError(.badResponse, "The exchange with \(origin) failed: \(error)", underlying: error)
    }
  }

  private static func connectionFailure(_ error: NIOConnectionError) -> String {
    if let attempt = error.connectionErrors.last {
      return (attempt.error as? IOError).map { "\($0)" } ?? "\(attempt.error)"
    }
    return "its name '\(error.host)' is not known"
  }

  private static func unreachable(_ origin: String, _ why: String, _ error: any Error) -> PouchError {
    PouchError(.unreachable, "\(origin) cannot be reached: \(why).", underlying: error)
  }
}
