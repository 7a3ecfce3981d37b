import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PouchCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What prevents a response, in the codes of ``PouchError``.
enum TransportFailure {
  static func pouchError(_ error: any Error, to origin: String) -> PouchError {
    switch error {
    case let error as PouchError: error
    case is CancellationError: PouchError(.cancelled)
    case let error as HTTPClientError: pouchError(error, origin)
    case let error as NIOConnectionError: unreachable(origin, connectionFailure(error), error)
    case NIOSSLError.handshakeFailed, is NIOSSLExtraError: unreachable(origin, "TLS failed: \(error)", error)
    case let error as SocketAddressError: unreachable(origin, "its name is not known", error)
    case let error as IOError where notConnected.contains(error.errnoCode): unreachable(origin, reason(error), error)
    case ChannelError.connectTimeout: unreachable(origin, "the connection takes too long", error)
    case is IOError, is ChannelError, is NIOSSLError: broken(origin, error)
    case is HTTPParserError, is NIOHTTPDecoderError:
      PouchError(.badResponse, "The answer of \(origin) is no HTTP.", underlying: error)
    default: PouchError(.badResponse, "The answer of \(origin) could not be read: \(error)", underlying: error)
    }
  }

  private static func pouchError(_ error: HTTPClientError, _ origin: String) -> PouchError {
    switch error {
    case .cancelled: PouchError(.cancelled, underlying: error)
    case .alreadyShutdown: PouchError(.cancelled, "The carrier was closed.", underlying: error)
    case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
      unreachable(origin, "the connection takes too long", error)
    case .deadlineExceeded, .readTimeout, .writeTimeout:
      PouchError(.timeout, "\(origin) did not answer in time.", underlying: error)
    case .remoteConnectionClosed, .uncleanShutdown: broken(origin, error)
    case .bodyLengthMismatch:
      PouchError(.badRequest, "The body has not the length that was announced.", underlying: error)
    default: PouchError(.badResponse, "The exchange with \(origin) failed: \(error)", underlying: error)
    }
  }

  private static func connectionFailure(_ error: NIOConnectionError) -> String {
    if let attempt = error.connectionErrors.last {
      return (attempt.error as? IOError).map(reason) ?? "\(attempt.error)"
    }
    return "its name '\(error.host)' is not known"
  }

  /// What the system says, such as `Connection refused`.
  private static func reason(_ error: IOError) -> String { String(cString: strerror(error.errnoCode)) }

  /// What connecting fails with, before anything was sent.
  private static let notConnected: Set<CInt> = [
    ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, ENETDOWN, EHOSTDOWN, ENOENT, EACCES,
  ]

  private static func broken(_ origin: String, _ error: any Error) -> PouchError {
    PouchError(.badResponse, "The connection to \(origin) broke off.", underlying: error)
  }

  /// Only for what fails before the request is sent: who asks may then send it again, whatever it does.
  private static func unreachable(_ origin: String, _ why: String, _ error: any Error) -> PouchError {
    PouchError(.unreachable, "\(origin) cannot be reached: \(why).", underlying: error)
  }
}
