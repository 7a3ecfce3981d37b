/// The settings of channels, in bytes.
enum ChannelTuning {
  /// How much may wait to be read before the peer's window is closed, and how little when it is opened again.
  static let (inboxHighMark, inboxLowMark) = (1024 * 1024, 256 * 1024)

  /// The same for all channels of a connection together: a peer may have several hundred.
  static let (connectionHighMark, connectionLowMark) = (8 * 1024 * 1024, 2 * 1024 * 1024)

  /// What a small message weighs beyond its bytes, so that a million empty ones are not nothing.
  static let messageOverhead = 64

  /// How many channels of a peer may wait for somebody to look at them.
  static let incomingChannels = 128
}
