import Synchronization

/// How many bytes the channels of a connection hold that nobody has read: each is bounded, and so are all together.
final class Backlog: Sendable {
  /// A channel's part of it.
  struct Share: Hashable, Sendable {
    /// In a channel that is used. If it is too much the peer has to wait.
    var held = 0
    /// In a channel that is closing or closed, which lets nobody wait. What is too much is dropped.
    var left = 0
  }

  private let held = Atomic(0)
  private let left = Atomic(0)

  /// All of it now.
  var total: Share { Share(held: held.load(ordering: .acquiring), left: left.load(ordering: .acquiring)) }

  /// Whether the peer has to wait.
  var isFull: Bool { total.held >= ChannelTuning.connectionHighMark }

  /// Whether channels that are closing take nothing any more.
  var isLeftFull: Bool { total.left >= ChannelTuning.connectionHighMark }

  /// A channel's part has changed.
  /// - Returns: whether the peer, if it waits, can go on: little is left now, and was not before.
  func change(from before: Share, to after: Share) -> Bool {
    if after.left != before.left { left.wrappingAdd(after.left - before.left, ordering: .acquiringAndReleasing) }
    guard after.held != before.held else { return false }
    let (old, new) = held.wrappingAdd(after.held - before.held, ordering: .acquiringAndReleasing)
    return old > ChannelTuning.connectionLowMark && new <= ChannelTuning.connectionLowMark
  }
}
