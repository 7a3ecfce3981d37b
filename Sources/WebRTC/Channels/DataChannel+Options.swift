extension DataChannel {
  /// How long SCTP tries to deliver a message.
  public enum Reliability: Hashable, Sendable {
    /// Until it arrives, or the connection ends.
    case reliable
    /// At most so many times more.
    case maxRetransmits(UInt16)
    /// At most so many milliseconds.
    case maxPacketLifeTime(milliseconds: UInt16)
  }

  /// What is said of a channel when it is made.
  public struct Options: Hashable, Sendable {
    /// Whether messages arrive in the order in which they were sent.
    public var isOrdered = true

    public var reliability = Reliability.reliable

    /// A name for what the messages mean; at most 65,535 bytes. The peer is told.
    public var protocolName = ""

    /// The number of the channel, 0 to 1,023, if both sides make it with the same one; otherwise it is chosen, and the peer
    /// is told of the channel.
    public var negotiatedID: UInt16?

    /// How many bytes wait to be sent before ``DataChannel/send(_:)-([UInt8])`` suspends.
    ///
    /// What SCTP has taken over is not among them: it holds as much as the path has in flight, and 256 KiB more.
    public var highMark = 1024 * 1024

    /// How few bytes wait when it goes on.
    public var lowMark = 256 * 1024

    public init() {}
  }

  /// Where a channel is in its life.
  public enum State: Hashable, Sendable {
    /// The connection is being made.
    case connecting
    case open
    /// One side has closed it; what was sent is still delivered.
    case closing
    /// `nil` if it was closed by one of the sides, else why it ended.
    case closed(RTCError?)
  }
}
