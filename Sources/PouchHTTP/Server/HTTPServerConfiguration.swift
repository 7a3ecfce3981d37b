public import Logging

/// How an ``HTTPServer`` listens, whom it answers, and what it bears.
public struct HTTPServerConfiguration: Sendable {
  /// The address or name to listen on. The loopback address unless set.
  public var host: String
  /// The port; 0 lets the system choose one, which ``HTTPServer``'s `ready` hook tells.
  public var port: Int
  /// Further names by which clients may call this server in `Host`, without port, such as the public one of a proxy.
  ///
  /// ``host`` is always one of them. A server on the loopback address also answers to `localhost` and its addresses, one
  /// that listens on every address (`0.0.0.0`, `::`) also to any numeric address and to the machine's own name.
  public var hostNames: Set<String> = []
  /// The web origins that may use this server from a browser, with the user's credentials: `https://app.example`.
  public var allowedOrigins: Set<String> = []
  /// Who may ask.
  public var audience = Audience.credentialed

  /// The most connections at a time; further ones wait to be accepted. Each is an open file: the process asks the
  /// system for as many, and takes fewer connections if it does not get them.
  public var maxConnections = 4096
  /// The largest request body in bytes, also after decompression; beyond it 413 is answered. CouchDB's
  /// `max_http_request_size` is the same 4 GiB. What is not an attachment has lower bounds of its own.
  public var maxRequestBody: Int64 = 4 << 30
  /// How long a request's head may take from its first byte on; then 408 is answered.
  public var headTimeout = Duration.seconds(20)
  /// How long a body may make no progress, on its way in or out, before the connection ends.
  public var stallTimeout = Duration.seconds(60)
  /// How long a connection without a request is kept.
  public var idleTimeout = Duration.seconds(120)
  /// How long requests may still run when the server shuts down. Live feeds end at once.
  public var shutdownGrace = Duration.seconds(30)
  /// Whether responses are compressed for clients that accept it.
  public var compression = Compression.whenAccepted
  /// Where the access log goes, one line a request at the level `info`.
  public var logger: Logger

  /// Who may ask.
  public enum Audience: Sendable, Hashable {
    /// Whoever brings the credentials that the responder wants.
    case credentialed
    /// Anyone on this machine, without credentials: CouchDB's "admin party". The server must listen on the loopback
    /// address, and refuses requests that a proxy has forwarded.
    case adminParty
  }

  /// Whether responses are compressed with gzip.
  public enum Compression: Sendable, Hashable {
    /// JSON and text are, when the client accepts it; live feeds never are.
    case whenAccepted
    /// Nothing is.
    case never
  }

  public init(
    host: String = "127.0.0.1", port: Int = 5984, logger: Logger = Logger(label: "peerpouch.http")
  ) {
    self.host = host
    self.port = port
    self.logger = logger
  }
}

/// Where a server listens.
public struct BoundAddress: Sendable, Hashable {
  /// The numeric address.
  public let host: String
  public let port: Int

  /// The server's URL, with a slash at the end; a server that listens on every address is named by the loopback one.
  public var url: String {
    let name = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
    return "http://" + (name.contains(":") ? "[\(name)]" : name) + ":\(port)/"
  }
}
