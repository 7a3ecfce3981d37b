import NIOCore
import NIOHTTP1
import NIOPosix
import PouchCore
import Synchronization

/// The end of a connection's pipeline on its event loop: it hands requests to the connection's task and responses to the
/// socket, and keeps the time limits.
///
/// One timer serves all of them; it is moved only when a nearer deadline appears, so that a request costs no timer.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = Connection.Output
  typealias OutboundOut = ByteBuffer

  struct TimeLimits: Sendable {
    let head: TimeAmount
    let stall: TimeAmount
    let idle: TimeAmount
    let grace: TimeAmount
  }

  /// What the client is sending.
  private enum Reading {
    /// Nothing of a request yet.
    case nothing(since: NIODeadline)
    case head(since: NIODeadline)
    case body(progress: NIODeadline)
    /// What it sends is dropped, as the server has ended the connection.
    case lingering(since: NIODeadline, progress: NIODeadline)
    /// It can send no more, or nothing that could be understood.
    case ended
  }

  private let connection: Connection
  private let limits: TimeLimits
  private var reading = Reading.nothing(since: .now())
  /// Requests whose response is not complete.
  private var exchanges = 0
  /// Whether anything was understood of what was read last.
  private var hasReadPart = false
  /// The client wants to speak something else than HTTP, of which nothing is read.
  private var isForeign = false
  private var isPaused = false
  private var pendingRead = false
  private var pendingWrites = 0
  private var writeProgress = NIODeadline.now()
  /// The client has closed its sending side.
  private var isHalfClosed = false
  private var drainDeadline: NIODeadline?
  private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?

  init(connection: Connection, limits: TimeLimits) {
    self.connection = connection
    self.limits = limits
  }

  func handlerAdded(context: ChannelHandlerContext) {
    arm(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.task.cancel()
    timer = nil
  }

  // MARK: Reading

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasReadPart = true
    switch (unwrapInboundIn(data), reading) {
    case (_, .ended):
      break
    case (_, .lingering(let since, _)):
      reading = .lingering(since: since, progress: .now())
    case (.head(let head), _):
      exchanges += 1
      // What follows a request to switch protocols is not HTTP.
      isForeign = head.method == .CONNECT || head.headers.contains(name: "upgrade")
      reading = head.hasBody ? .body(progress: .now()) : isForeign ? .ended : .nothing(since: .now())
      connection.parts.append(.head(head))
    case (.body(let buffer), .body):
      reading = .body(progress: .now())
      connection.parts.append(.body(buffer))
    case (.end, .body):
      reading = isForeign ? .ended : .nothing(since: .now())
      connection.parts.append(.end)
    case (.body, _), (.end, _):
      break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // Bytes came, but they make no whole head yet.
    if !hasReadPart, exchanges == 0, case .nothing = reading { reading = .head(since: .now()) }
    hasReadPart = false
    arm(context)
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    switch reading {
    case .ended: isPaused = true
    case .lingering: isPaused = false
    case .nothing, .head, .body: isPaused = connection.parts.pauseIfFull()
    }
    if isPaused { pendingRead = true } else { context.read() }
  }

  /// An outbound event: the connection's task has taken what waited.
  enum Signal { case resumeReading }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard event is Signal else { return context.triggerUserOutboundEvent(event, promise: promise) }
    resumeReading(context)
    promise?.succeed()
  }

  private func resumeReading(_ context: ChannelHandlerContext) {
    guard pendingRead else { return }
    pendingRead = false
    if case .body = reading { reading = .body(progress: .now()) }
    read(context: context)
    arm(context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    hasReadPart = true
    guard error is HTTPParserError || error is ByteToMessageDecoderError else { return context.close(promise: nil) }
    switch (error, reading) {
    case (HTTPParserError.invalidEOFState, _): break
    case (let error as HTTPParserError, .nothing), (let error as HTTPParserError, .head),
      (let error as HTTPParserError, .body):
      fail(context, HTTPFailure.malformed(error))
    case (_, .lingering(let since, _)): reading = .lingering(since: since, progress: .now())
    default: break
    }
  }

  /// Ends reading: what the client sends cannot be understood, or does not come.
  private func fail(_ context: ChannelHandlerContext, _ error: PouchError) {
    if case .body = reading {
      // The answer was given before the end of the request.
      if exchanges == 0 { return linger(context) }
    } else {
      exchanges += 1
    }
    reading = .ended
    connection.parts.append(.failure(error))
  }

  // MARK: Writing

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let buffer: ByteBuffer
    var afterwards = Connection.Afterwards.keep
    switch unwrapOutboundIn(data) {
    case .bytes(let bytes):
      buffer = bytes
    case .last(let bytes, let then):
      guard exchanges > 0 else {
        // A rest that was to be skipped turned out to be nonsense; the request it belongs to was answered.
        dropWrite(promise)
        return linger(context)
      }
      buffer = bytes
      exchanges -= 1
      if exchanges == 0, case .nothing = reading { reading = .nothing(since: .now()) }
      let mustEnd = connection.isDraining || (exchanges == 0 && isHalfClosed)
      afterwards = mustEnd ? .close : then
    case .abort:
      dropWrite(promise)
      return context.close(promise: nil)
    }
    if pendingWrites == 0 { writeProgress = .now() }
    pendingWrites += 1
    let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { self.written(context, afterwards, $0) }
    context.write(wrapOutboundOut(buffer), promise: promise)
  }

  private func dropWrite(_ promise: EventLoopPromise<Void>?) {
    connection.writesUnderWay.subtract(1, ordering: .relaxed)
    promise?.succeed()
  }

  func flush(context: ChannelHandlerContext) {
    context.flush()
    arm(context)
  }

  private func written(
    _ context: ChannelHandlerContext, _ afterwards: Connection.Afterwards, _ result: Result<Void, any Error>
  ) {
    pendingWrites -= 1
    writeProgress = .now()
    connection.writesUnderWay.subtract(1, ordering: .relaxed)
    guard case .success = result else { return context.close(promise: nil) }
    if case .close = afterwards { linger(context) }
  }

  /// Ends the connection so that the client surely gets what was sent: close the sending side, and read until the client
  /// closes its own.
  private func linger(_ context: ChannelHandlerContext) {
    guard !isHalfClosed, !isForeign else { return context.close(promise: nil) }
    reading = .lingering(since: .now(), progress: .now())
    connection.parts.finish()
    context.close(mode: .output, promise: nil)
    resumeReading(context)
    arm(context)
  }

  // MARK: Ending

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      connection.parts.finish()
      switch reading {
      // Of a request that will never be complete there is nothing to answer.
      case .lingering, .body: context.close(promise: nil)
      case _ where exchanges == 0: context.close(promise: nil)
      default:
        reading = .ended
        isHalfClosed = true
        writeProgress = .now()
        arm(context)
      }
    case is ChannelShouldQuiesceEvent:
      connection.drain()
      drainDeadline = .now() + limits.grace
      if exchanges == 0 { context.close(promise: nil) } else { arm(context) }
    default:
      break
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.task.cancel()
    timer = nil
    connection.disconnected()
    context.fireChannelInactive()
  }

  // MARK: Time

  /// The next moment at which something would be too late.
  private var deadline: NIODeadline? {
    var deadline: NIODeadline?
    func limit(_ candidate: NIODeadline) { deadline = min(deadline ?? candidate, candidate) }
    switch reading {
    case .nothing(let since): if exchanges == 0 { limit(since + limits.idle) }
    case .head(let since): limit(since + limits.head)
    case .body(let progress): if !isPaused { limit(progress + limits.stall) }
    case .lingering(let since, let progress):
      limit(progress + TimeAmount(HTTPTuning.linger))
      limit(since + TimeAmount(HTTPTuning.lingerAtMost))
    case .ended: break
    }
    if pendingWrites > 0 {
      limit(writeProgress + limits.stall)
    } else if isHalfClosed {
      limit(writeProgress + TimeAmount(HTTPTuning.halfClosedGrace))
    }
    if let drainDeadline { limit(drainDeadline) }
    return deadline
  }

  private func arm(_ context: ChannelHandlerContext) {
    guard let deadline else { return }
    if let timer {
      guard deadline < timer.deadline else { return }
      timer.task.cancel()
    }
    let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      self.timer = nil
      self.checkTime(context)
    }
    timer = (task, deadline)
  }

  private func checkTime(_ context: ChannelHandlerContext) {
    if let deadline, deadline <= .now() {
      switch reading {
      case .head(let since) where since + limits.head <= .now():
        fail(context, HTTPFailure.slowHead)
      case .body(let progress) where progress + limits.stall <= .now() && !isPaused:
        fail(context, HTTPFailure.stalledBody)
      default:
        // An idle connection, a client that does not read, one that has gone, or one that does not go.
        return context.close(promise: nil)
      }
    }
    arm(context)
  }
}

extension HTTPRequestHead {
  /// Whether a body follows (RFC 9112, section 6.3).
  var hasBody: Bool {
    if headers.contains(name: "transfer-encoding") { return true }
    return headers.first(name: "content-length").map { $0 != "0" } ?? false
  }
}
