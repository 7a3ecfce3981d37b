import Foundation
import WebRTC

/// A channel, and what is done with its messages: its subprotocol says it.
///
/// It lives on the engine, so that a message that comes in is dealt with, and echoed, without a change of threads.
@RTCEngine
final class PeerChannel {
  private nonisolated enum Manner: String {
    case echo
    case sink
    case discard
    /// Not read before that is asked for, and then like `sink`.
    case unread
    /// Each is told of.
    case told

    var isDigested: Bool { self == .sink || self == .unread }
  }

  /// What messages that come in are, if they were asked for.
  enum Awaited {
    case nothing
    case exchange(Exchange)
    case ping(Ping)
  }

  private struct Waiter {
    let bytes: Int
    let continuation: CheckedContinuation<Void, Never>
  }

  nonisolated let channel: DataChannel
  private nonisolated let manner: Manner
  private var received = Received()
  var awaited = Awaited.nothing

  private var isClosed = false
  private var isForgotten = false
  private var waiters: [Waiter] = []
  private var reader: Task<Void, Never>?

  init(_ channel: DataChannel) {
    self.channel = channel
    manner = Manner(rawValue: channel.options.protocolName) ?? .told
  }

  /// Whether what goes over it has a checksum.
  nonisolated var isDigested: Bool { manner.isDigested }

  // MARK: - Its life

  /// Tells when it is open and when it is closed, and reads it meanwhile.
  func begin() {
    // It ends with the channel, which ends with its connection.
    Task {
      guard (try? await channel.opened()) != nil else { return finish() }
      if !isForgotten { Output.tell(open: channel) }
      if manner != .unread { startReading() }
      let reason = await channel.closed()
      await reader?.value
      finish()
      guard !isForgotten else { return }
      Output.event("closed", ["label": .text(channel.label), "reason": reason.map { .text($0.description) } ?? .none])
    }
  }

  private func finish() {
    isClosed = true
    changed()
  }

  /// Says nothing of it any more.
  func forget() {
    isForgotten = true
    finish()
  }

  func startReading() {
    guard reader == nil else { return }
    reader = Task {
      do {
        for try await message in channel.messages { try await take(message) }
      } catch {
        guard !isForgotten, channel.currentState == .open else { return }
        complain("The channel \(channel.label) is not read any more: \(error)")
      }
    }
  }

  private func take(_ message: DataChannel.Message) async throws {
    switch awaited {
    case .exchange(let exchange):
      exchange.came(message)
      return changed()
    case .ping(let ping):
      if try await ping.came(over: channel) { changed() }
      return
    case .nothing: break
    }
    switch manner {
    case .echo:
      try await channel.send(message)
    case .sink, .unread, .discard:
      received.add(message, isDigested: manner.isDigested)
      if !waiters.isEmpty { changed() }
    case .told:
      Output.tell(message, of: channel)
    }
  }

  // MARK: - Waiting

  /// Suspends until anything has changed, and at least so many bytes were received.
  /// - Throws: if the channel is closed before.
  func change(bytes: Int = 0) async throws {
    guard !isClosed else { throw Refusal(description: "the channel \(channel.label) is closed") }
    await withCheckedContinuation { waiters.append(Waiter(bytes: bytes, continuation: $0)) }
  }

  private func changed() {
    let resumed = waiters.filter { isClosed || $0.bytes <= received.bytes }
    guard !resumed.isEmpty else { return }
    waiters.removeAll { isClosed || $0.bytes <= received.bytes }
    for waiter in resumed { waiter.continuation.resume() }
  }

  // MARK: - Requests

  func carryOut(_ request: Request) async throws -> [String: Field] {
    switch request.verb {
    case "send":
      if let text = request.text {
        try await channel.send(text)
      } else {
        guard let data = Data(base64Encoded: try request.required(\.base64, "text or base64")) else {
          throw Refusal(description: "this is not base64")
        }
        try await channel.send([UInt8](data))
      }
      return [:]
    case "exchange":
      return try await exchange(request.amount(\.count, "count"), largest: request.amount(\.largest, "largest"))
    case "ping":
      return try await ping(request.amount(\.count, "count"), size: request.amount(\.size, "size"))
    case "pump":
      let total = request.seconds == nil ? try request.amount(\.bytes, "bytes") : request.bytes ?? .max
      let time = request.seconds.map(Duration.seconds)
      return try await pump(total, size: request.amount(\.size, "size", atLeast: 4), for: time)
    case "received":
      let bytes = try request.amount(\.bytes, "bytes", atLeast: 0)
      while received.bytes < bytes { try await change(bytes: bytes) }
      return received.fields(isDigested: manner.isDigested)
    case "read":
      startReading()
      return [:]
    case "closeChannel":
      // The event tells when it is closed.
      Task { await channel.close() }
      return [:]
    default:
      throw Refusal(description: "there is no request \(request.verb)")
    }
  }
}

extension DataChannel {
  /// Sends a message as it came.
  func send(_ message: Message) async throws(RTCError) {
    switch message {
    case .binary(let bytes): try await send(bytes)
    case .text(let text): try await send(text)
    }
  }
}

extension Output {
  static func tell(_ message: DataChannel.Message, of channel: DataChannel) {
    switch message {
    case .text(let text):
      event("message", ["label": .text(channel.label), "text": .text(text)])
    case .binary(let bytes):
      event("message", ["label": .text(channel.label), "base64": .text(Data(bytes).base64EncodedString())])
    }
  }
}
