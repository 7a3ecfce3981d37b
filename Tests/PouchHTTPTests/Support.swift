import CouchAPI
import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PouchCore
import PouchHTTP
import Synchronization
import Testing

/// A configuration that fails fast, on a port of the system's choice.
func configuration(_ change: (inout HTTPServerConfiguration) -> Void = { _ in }) -> HTTPServerConfiguration {
  var quiet = Logger(label: "test")
  quiet.logLevel = .critical
  var configuration = HTTPServerConfiguration(port: 0, logger: quiet)
  change(&configuration)
  return configuration
}

/// Runs a server while the body does, and shuts it down in good order.
@discardableResult
func withServer<Value>(
  _ configuration: HTTPServerConfiguration = configuration(),
  respond: @escaping @Sendable (Request) async -> Response,
  _ body: (BoundAddress) async throws -> Value
) async throws -> Value {
  let (addresses, ready) = AsyncStream<BoundAddress>.makeStream(bufferingPolicy: .bufferingNewest(1))
  let server = try HTTPServer(configuration: configuration, respond: respond) { ready.yield($0) }
  let running = Task {
    defer { ready.finish() }
    try await server.run()
  }
  guard let address = await addresses.first(where: { _ in true }) else {
    try await running.value
    throw PouchError(.internalError, "The server ended before it was ready.")
  }
  do {
    let value = try await body(address)
    running.cancel()
    try await running.value
    return value
  } catch {
    running.cancel()
    throw error
  }
}

/// A carrier to a server, closed after use.
@discardableResult
func withCarrier<Value>(
  _ url: String, _ configuration: HTTPCarrierConfiguration = HTTPCarrierConfiguration(),
  _ body: (HTTPCarrier) async throws -> Value
) async throws -> Value {
  let carrier = try HTTPCarrier(url, configuration: configuration)
  do {
    let value = try await body(carrier)
    await carrier.close()
    return value
  } catch {
    await carrier.close()
    throw error
  }
}

/// Answers `/echo` with the request's body, `/sink` with the number of its bytes, `/bytes?n=…` with that many bytes as a
/// stream, `/text` with a document's worth of JSON, and everything else with what was asked.
@Sendable func echo(_ request: Request) async -> Response {
  switch request.path.first {
  case "echo":
    return Response(
      .ok, headers: [.contentType: request.headers[.contentType] ?? "application/octet-stream"], body: request.body)
  case "sink":
    do {
      var count = 0
      for try await piece in request.body.stream { count += piece.count }
      return Response(.ok, body: .bytes(Array("\(count)".utf8)))
    } catch {
      return Response(.badRequest, body: .bytes(Array("\(error)".utf8)))
    }
  case "bytes":
    let count = Int64(request.query["n"] ?? "") ?? 0
    return Response(.ok, body: .stream(pattern(count), length: request.query["chunked"] == nil ? count : nil))
  case "text":
    let text = Array(String(repeating: "{\"a\":1},", count: 1000).utf8)
    let body = request.query["stream"] == nil ? Body.bytes(text) : .stream(ByteStream(text), length: nil)
    return Response(.ok, headers: [.contentType: "application/json"], body: body)
  default:
    let path = request.path.joined(separator: "|")
    let query = request.query.items.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
    return Response(.ok, body: .bytes(Array("\(request.method.rawValue) \(path) \(query)".utf8)))
  }
}

/// Bytes that count upwards, in pieces of 64 KiB.
func pattern(_ count: Int64) -> ByteStream {
  ByteStream {
    var left = count
    let piece = (0..<65536).map { UInt8(truncatingIfNeeded: $0) }
    return {
      guard left > 0 else { return nil }
      let next = left >= 65536 ? piece : Array(piece.prefix(Int(left)))
      left -= Int64(next.count)
      return next
    }
  }
}

extension Body {
  func text() async throws -> String { String(decoding: try await collect(upTo: 1 << 24), as: UTF8.self) }
}

/// Counts what has happened, and lets a test wait until it has.
final class Tally: Sendable {
  private let state = Mutex((count: 0, waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)]()))

  var count: Int { state.withLock { $0.count } }

  func add(_ number: Int = 1) {
    let due = state.withLock { state in
      state.count += number
      let due = state.waiters.filter { $0.count <= state.count }
      state.waiters.removeAll { $0.count <= state.count }
      return due
    }
    for waiter in due { waiter.continuation.resume() }
  }

  func reaches(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.count >= count { return true }
        state.waiters.append((count, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }
}

/// A body that gives one line and then waits until it is cancelled or dropped.
struct EndlessFeed: Sendable {
  let waiting = Tally()
  let ended = Tally()

  var body: Body {
    .stream(
      ByteStream { [waiting, ended] in
        var lines = [Array("{}\n".utf8)]
        return {
          if let line = lines.popLast() { return line }
          waiting.add()
          // Ended by cancellation only.
          do { try await Task.sleep(for: .seconds(3600)) } catch {}
          ended.add()
          throw PouchError(.cancelled)
        }
      }, length: nil)
  }
}

/// A connection on which a test says exactly what it wants.
struct RawConnection {
  private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

  static func open<Value>(
    _ address: BoundAddress, _ body: (inout Talk) async throws -> Value
  ) async throws -> Value {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .connect(host: address.host, port: address.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      var talk = Talk(iterator: inbound.makeAsyncIterator(), outbound: outbound)
      return try await body(&talk)
    }
  }

  struct Talk {
    fileprivate var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received = ""

    fileprivate init(
      iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
      outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
      self.iterator = iterator
      self.outbound = outbound
    }

    func send(_ text: String) async throws {
      try await outbound.write(ByteBuffer(string: text))
    }

    func closeSending() { outbound.finish() }

    /// What comes until a text has come, or the connection ends.
    mutating func receive(until end: String? = nil) async throws -> String {
      while end.map({ !received.contains($0) }) ?? true {
        do {
          guard let buffer = try await iterator.next(isolation: #isolation) else { break }
          received += String(buffer: buffer)
        } catch is IOError {
          break
        }
      }
      defer { received = "" }
      return received
    }
  }
}

/// The statuses of the responses in what a server has sent.
func statuses(_ text: String) -> [String] {
  text.split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false).dropFirst().map { String($0.prefix(3)) }
}
