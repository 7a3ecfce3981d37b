public import CouchAPI
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
public import PouchCore
public import ServiceLifecycle

/// A server of CouchDB's API over HTTP/1.1.
///
/// ```swift
/// let server = try HTTPServer(configuration: HTTPServerConfiguration(port: 0)) { request in
///   await router.respond(to: request)
/// } ready: { address in
///   print(address.url)
/// }
/// try await server.run()
/// ```
///
/// It brings requests to a responder and its responses back, with bodies streamed both ways at the pace of their slower
/// end. It keeps connections alive, compresses, lets web pages of listed origins in and those of others not (see
/// ``HTTPServerConfiguration/allowedOrigins``), and bounds what clients may take in time and memory. When a client goes,
/// the task that answers it is cancelled and the response's body dropped, also while a live feed waits.
public struct HTTPServer: Service {
  private let configuration: HTTPServerConfiguration
  private let context: ServerContext
  private let ready: @Sendable (BoundAddress) async -> Void

  /// - Parameters:
  ///   - respond: answers a request. It runs in a task of the connection's own; many run at a time. Requests for one
  ///     document by its id alone run on an event loop, which other connections share: blocking it would hold those up.
  ///   - ready: called once, when the server listens.
  /// - Throws: ``PouchError/Code/badRequest`` for an origin that is none, such as `*`, and
  ///   ``PouchError/Code/forbidden`` for an admin party beyond the loopback address.
  public init(
    configuration: HTTPServerConfiguration, respond: @escaping @Sendable (CouchAPI.Request) async -> CouchAPI.Response,
    ready: @escaping @Sendable (BoundAddress) async -> Void = { _ in }
  ) throws(PouchError) {
    self.configuration = configuration
    self.ready = ready
    context = ServerContext(
      respond: respond, guardian: try RequestGuard(configuration), log: AccessLog(configuration.logger),
      compressor: ResponseCompressor(configuration.compression), maxRequestBody: configuration.maxRequestBody)
  }

  /// Listens and serves until the task is cancelled, or the service group shuts down.
  ///
  /// Either ends it in good order: no connection is taken any more, live feeds end, and other requests have
  /// ``HTTPServerConfiguration/shutdownGrace`` to finish.
  /// - Throws: ``PouchError/Code/unreachable`` if it cannot listen.
  public func run() async throws {
    var quiet = configuration.logger
    quiet.logLevel = max(quiet.logLevel, .error)
    let server = Server(
      childChannelSetup: ConnectionChannel(context: context, configuration: configuration),
      configuration: ServerConfiguration(
        address: .hostname(configuration.host, port: configuration.port), backlog: HTTPTuning.backlog,
        availableConnectionsDelegate: .maximum(
          OpenFiles.makeRoom(forConnections: configuration.maxConnections), logger: quiet)),
      onServerRunning: { [ready] channel in
        // It fails only if the channel is closed already.
        try? await channel.eventLoop.submit {
          try channel.pipeline.syncOperations.addHandler(AcceptErrorShield(), position: .first)
        }.get()
        guard let address = channel.localAddress, let host = address.ipAddress, let port = address.port else { return }
        await ready(BoundAddress(host: host, port: port))
      },
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    // A task of its own, which the cancellation of this one does not reach: connections end by being asked to.
    let serving = Task {
      do {
        try await server.run()
      } catch let error as IOError {
        let place = "\(configuration.host):\(configuration.port)"
        throw PouchError(.unreachable, "The server cannot listen on \(place): \(error)", underlying: error)
      }
    }
    try await withTaskCancellationHandler {
      try await withGracefulShutdownHandler {
        try await serving.value
      } onGracefulShutdown: {
        HTTPServer.shutDown(server)
      }
    } onCancel: {
      HTTPServer.shutDown(server)
    }
  }

  private static func shutDown(_ server: Server<ConnectionChannel>) {
    Task { try await server.shutdownGracefully() }
  }
}

/// How Hummingbird's server sets up a connection.
struct ConnectionChannel: ServerChildChannel {
  struct Value: ServerChildChannelValue {
    let connection: Connection
    var channel: any Channel { connection.channel }
  }

  let context: ServerContext
  let configuration: HTTPServerConfiguration

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      var limits = NIOHTTPDecoderLimitConfiguration()
      limits.maxHeaderFieldSize = HTTPTuning.headerBytes
      limits.maxHeaderListSize = HTTPTuning.headBytes
      limits.maxHeaderFieldCount = HTTPTuning.headerCount
      // The channel keeps the buffer of its last read, also while a live feed waits.
      try channel.syncOptions?.setOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(
          minimum: HTTPTuning.firstRead, initial: HTTPTuning.firstRead, maximum: HTTPTuning.largestRead))
      let parts = RequestParts {
        channel.triggerUserOutboundEvent(ConnectionHandler.Signal.resumeReading, promise: nil)
      }
      let connection = Connection(channel: channel, parts: parts)
      let pipeline = channel.pipeline.syncOperations
      let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
      try pipeline.addHandler(ByteToMessageHandler(decoder))
      try pipeline.addHandler(
        ConnectionHandler(
          connection: connection,
          limits: ConnectionHandler.TimeLimits(
            head: TimeAmount(configuration.headTimeout), stall: TimeAmount(configuration.stallTimeout),
            idle: TimeAmount(configuration.idleTimeout), grace: TimeAmount(configuration.shutdownGrace))))
      return Value(connection: connection)
    }
  }

  func handle(value: Value, logger: Logger) async {
    let connection = value.connection
    let isLocal =
      connection.channel.remoteAddress?.isLoopback == true && connection.channel.localAddress?.isLoopback == true
    let task = ConnectionTask(connection: connection, context: context, isLocal: isLocal)
    await withTaskCancellationHandler {
      await connection.run { await task.run() }
      try? await connection.channel.closeFuture.get()
    } onCancel: {
      connection.channel.close(promise: nil)
    }
  }
}

extension SocketAddress {
  /// Whether this is an address of this machine that none but itself reaches.
  fileprivate var isLoopback: Bool {
    guard let ip = ipAddress else { return true }
    return ip == "::1" || ip.hasPrefix("127.") || ip.hasPrefix("::ffff:127.")
  }
}
