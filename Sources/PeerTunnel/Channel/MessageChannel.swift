/// What carries the tunnel: whole messages, reliable and in order, between two peers. A WebRTC data channel is one.
///
/// It is used by one session, which sends one message after the other, and receives in one task.
public protocol MessageChannel: Sendable {
  /// Sends a message of at most 64 KiB, and returns when it may be followed by another one: it suspends while more than
  /// ``ChannelTuning/unsent`` bytes wait below, and no longer.
  /// - Throws: any error once the channel is closed, or lost; `CancellationError` when the task is cancelled.
  func send(_ message: [UInt8]) async throws

  /// Sends a message as ``send(_:)`` does if there is nothing to wait for. It is called under a lock: it must not wait, nor
  /// call back.
  /// - Returns: whether the message was taken; also `false` if the channel is not there any more.
  func offer(_ message: [UInt8]) -> Bool

  /// The next message; `nil` when the other side has closed the channel. What is not asked for is not read from the
  /// network beyond what its own windows hold.
  /// - Throws: any error once the channel is lost; `CancellationError` when the task is cancelled.
  func receive() async throws -> [UInt8]?

  /// How many bytes were sent and are not on their way yet.
  var bufferedAmount: Int { get }

  /// Ends the channel, and those who wait for it. Closing twice does nothing.
  func close() async
}

/// Sizes of channels.
public enum ChannelTuning {
  /// How many bytes may wait below the tunnel before its sender waits: enough to fill a fast path between two wake-ups.
  /// What waits there is out of reach of the order of precedence, and of cancellation.
  public static let unsent = 1024 * 1024
}
