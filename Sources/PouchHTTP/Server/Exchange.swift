import CouchAPI
import HTTPTypes
import NIOCore
import NIOHTTP1
import PouchCore

/// What all connections of a server share.
struct ServerContext: Sendable {
  let respond: @Sendable (Request) async -> Response
  let guardian: RequestGuard
  let log: AccessLog
  let compressor: ResponseCompressor
  let maxRequestBody: Int64
}

/// The task of a connection: it answers one request after the other.
struct ConnectionTask: Sendable {
  let connection: Connection
  let context: ServerContext
  /// Whether both ends are on this machine.
  let isLocal: Bool

  func run() async {
    while let part = await connection.parts.next() {
      switch part {
      case .head(let head):
        guard await answer(head) else { return }
      case .failure(let error):
        Exchange.refuse(error, connection)
        return
      // What was left unread of the request before.
      case .body, .end: break
      }
    }
  }

  /// Answers a request: a brief one at once, where the event loop runs, since handing it to another thread and the answer
  /// back takes longer than to answer it; any other one by the pool of threads, so that no connection waits for it.
  /// - Returns: whether another request may follow on the connection.
  private func answer(_ head: HTTPRequestHead) async -> Bool {
    await withTaskExecutorPreference(head.isBrief ? nil : globalConcurrentExecutor) {
      var exchange = Exchange(connection, context, head, isLocal: isLocal)
      return await exchange.run()
    }
  }
}

extension HTTPRequestHead {
  /// Whether answering takes little, whatever the database holds: one document is read, by its id alone, and sent as it is.
  fileprivate var isBrief: Bool {
    guard method == .GET || method == .HEAD, !hasBody, !headers.contains(name: "accept-encoding") else { return false }
    let path = uri.utf8
    guard let first = path.firstIndex(of: 0x2F), first == path.startIndex,
      let second = path[path.index(after: first)...].firstIndex(of: 0x2F)
    else { return false }
    let id = path[path.index(after: second)...]
    return id.first != 0x5F && !id.contains { $0 == 0x2F || $0 == 0x3F || $0 == 0x25 }
  }
}

/// One request and its response.
struct Exchange {
  private let connection: Connection
  private let context: ServerContext
  private let head: HTTPRequestHead
  private let isLocal: Bool
  /// How many bytes of the body were sent.
  private var sent: Int64 = 0

  init(_ connection: Connection, _ context: ServerContext, _ head: HTTPRequestHead, isLocal: Bool) {
    self.connection = connection
    self.context = context
    self.head = head
    self.isLocal = isLocal
  }

  /// Answers a request that was not understood, and ends the connection.
  static func refuse(_ error: PouchError, _ connection: Connection) {
    let response = HTTPFailure.response(error)
    var buffer = ByteBuffer()
    if case .bytes(let bytes) = response.body {
      let framing = Framing.length(Int64(bytes.count))
      ResponseEncoder.head(response.status, response.headers, framing, closes: true, to: &buffer)
      buffer.writeBytes(bytes)
    }
    connection.writeWithoutWaiting(.last(buffer, .close))
  }

  /// - Returns: whether another request may follow on the connection.
  mutating func run() async -> Bool {
    let start = context.log.isOn ? ContinuousClock.now : nil
    let outcome = await answer()
    if let start {
      context.log.write(
        method: head.method.rawValue, target: head.uri, status: outcome.status.code, bytes: sent,
        isComplete: outcome.isComplete, duration: .now - start)
    }
    return outcome.keepsConnection
  }

  private struct Outcome {
    let status: HTTPResponse.Status
    var isComplete = true
    let keepsConnection: Bool
  }

  private mutating func answer() async -> Outcome {
    switch await respond() {
    case .refused(let outcome): return outcome
    case .answered(let answer):
      defer {
        if answer.isLive { connection.endLiveFeed() }
        answer.requestBody?.end()
      }
      return await send(answer.response, isHead: answer.isHead, isLive: answer.isLive, answer.requestBody)
    }
  }

  private enum Reply {
    /// The request could not be understood; the answer is on its way.
    case refused(Outcome)
    case answered(Answer)
  }

  private struct Answer {
    let response: Response
    let isHead: Bool
    let isLive: Bool
    let requestBody: RequestBody?
  }

  /// Finds the response. What that takes of the task's stack is free again while the response is sent, which with a
  /// feed may be for days.
  private func respond() async -> Reply {
    let reader: RequestReader
    let body: RequestBody?
    do throws(PouchError) {
      reader = try RequestReader(head)
      body = reader.body(connection, limit: context.maxRequestBody)
    } catch {
      Exchange.refuse(error, connection)
      return .refused(Outcome(status: HTTPFailure.response(error).status, keepsConnection: false))
    }

    var origin: String?
    var isPreflight = false
    var isLive = false
    var response: Response
    switch context.guardian.verdict(reader.method, reader.headers, host: reader.host, isLocal: isLocal) {
    case .refuse(let error):
      response = HTTPFailure.response(error)
    case .preflight(let answer, let asking):
      (response, origin, isPreflight) = (answer, asking, true)
    case .answer(let asking):
      origin = asking
      do throws(PouchError) {
        let request = try reader.request(body, limit: context.maxRequestBody)
        isLive = request.isLiveFeed
        if isLive { connection.beginLiveFeed() }
        response = isLive ? await respondApart(request) : await context.respond(request)
      } catch {
        response = HTTPFailure.response(error)
      }
    }

    if Task.isCancelled { response = HTTPFailure.response(HTTPFailure.shuttingDown) }
    // An answer about a body that could not be read is not the responder's to give.
    if let failure = body?.failure, failure.code != .cancelled { response = HTTPFailure.response(failure) }
    context.guardian.share(&response.headers, with: origin, isPreflight: isPreflight)
    if !isLive { context.compressor.compress(&response, for: reader) }
    return .answered(Answer(response: response, isHead: reader.method == .head, isLive: isLive, requestBody: body))
  }

  /// Answers in a task of its own. Whatever a task's stack has grown to, it keeps until it ends: the connection's would
  /// keep some 10 KiB for as long as the feed waits.
  private func respondApart(_ request: Request) async -> Response {
    async let response = context.respond(request)
    return await response
  }

  // MARK: Sending

  private mutating func send(
    _ response: Response, isHead: Bool, isLive: Bool, _ requestBody: RequestBody?
  ) async -> Outcome {
    var response = response
    var first: [UInt8]?
    var iterator: ByteStream.AsyncIterator?
    // The first piece goes together with the head, and an error before it still has a status of its own.
    if case .stream(let stream, _) = response.body, !isHead {
      iterator = stream.makeAsyncIterator()
      if !isLive {
        do {
          first = try await iterator?.next(isolation: #isolation)
          if first == nil { iterator = nil }
        } catch {
          iterator = nil
          let failure = error as? PouchError ?? PouchError(.internalError, underlying: error)
          let cors = response.headers.filter { $0.name.canonicalName.hasPrefix("access-control") }
          response = HTTPFailure.response(failure)
          response.headers.append(contentsOf: cors)
        }
      }
    }

    let framing = Exchange.framing(response, isHead: isHead, version: head.version)
    let mayKeep =
      head.isKeepAlive && framing != .untilClose && requestBody?.canBeSkipped != false && !connection.isDraining
      && !Task.isCancelled && !head.headers.contains(name: "upgrade") && head.method != .CONNECT
    var buffer = ByteBuffer()
    // A buffer that grows as it is written to is allocated many times.
    let length = isHead ? 0 : Int(clamping: response.body.length ?? 0)
    buffer.reserveCapacity(HTTPTuning.headCapacity + min(length, HTTPTuning.writeBytes))
    ResponseEncoder.head(response.status, response.headers, framing, closes: !mayKeep, to: &buffer)
    do {
      try await connection.settle()
      if case .bodiless = framing { iterator = nil } else if case .bytes(let bytes) = response.body { first = bytes }
      guard first != nil || iterator != nil else {
        if case .length(let length) = framing, length > 0 { throw Exchange.wrongLength }
        ResponseEncoder.end(framing, to: &buffer)
        connection.writeWithoutWaiting(.last(buffer, mayKeep ? .keep : .close))
        return Outcome(status: response.status, keepsConnection: mayKeep)
      }
      return try await send(&buffer, first, &iterator, response.status, framing, mayKeep: mayKeep)
    } catch {
      // What was promised cannot be kept: the client must not take it for complete.
      connection.writeWithoutWaiting(.abort)
      return Outcome(status: response.status, isComplete: false, keepsConnection: false)
    }
  }

  private mutating func send(
    _ buffer: inout ByteBuffer, _ first: [UInt8]?, _ iterator: inout ByteStream.AsyncIterator?,
    _ status: HTTPResponse.Status, _ framing: Framing, mayKeep: Bool
  ) async throws -> Outcome {
    var piece = first
    while true {
      if let piece {
        sent += Int64(piece.count)
        if case .length(let length) = framing, sent > length { throw Exchange.wrongLength }
        var rest = piece[...]
        while rest.count > HTTPTuning.writeBytes {
          ResponseEncoder.piece(rest.prefix(HTTPTuning.writeBytes), framing, to: &buffer)
          rest = rest.dropFirst(HTTPTuning.writeBytes)
          try await connection.write(.bytes(buffer))
          buffer = ByteBuffer()
        }
        ResponseEncoder.piece(rest, framing, to: &buffer)
      }
      guard iterator != nil else { break }
      if case .length(let length) = framing, sent == length { break }
      if buffer.readableBytes > 0 { try await connection.write(.bytes(buffer)) }
      buffer = ByteBuffer()
      piece = try await iterator?.next(isolation: #isolation)
      if piece == nil { break }
    }
    if case .length(let length) = framing, sent != length { throw Exchange.wrongLength }
    ResponseEncoder.end(framing, to: &buffer)
    let last = Connection.Output.last(buffer, mayKeep ? .keep : .close)
    if buffer.readableBytes <= HTTPTuning.unawaitedBytes {
      connection.writeWithoutWaiting(last)
    } else {
      try await connection.write(last)
    }
    return Outcome(status: status, keepsConnection: mayKeep)
  }

  private static let wrongLength = PouchError(.internalError, "A body has not the length that was announced.")

  private static func framing(_ response: Response, isHead: Bool, version: HTTPVersion) -> Framing {
    if response.status == .noContent || response.status == .notModified { return .bodiless(length: nil) }
    if isHead {
      // A responder that makes no body for HEAD says the length itself.
      if case .empty = response.body { return .bodiless(length: nil) }
      return .bodiless(length: response.body.length)
    }
    if let length = response.body.length { return .length(length) }
    return (version.major, version.minor) >= (1, 1) ? .chunked : .untilClose
  }
}
