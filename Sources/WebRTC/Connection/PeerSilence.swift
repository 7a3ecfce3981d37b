/// How long nothing was heard of a peer, who is looked after again and again.
///
/// Looks are counted, no clock is asked: while this process does not run, because the machine is busy or asleep, the peer
/// is not to blame.
struct PeerSilence: Sendable {
  /// How often a peer is looked after in ``PeerConnection/Configuration/peerTimeout``.
  static let looks = 8

  enum Verdict: Hashable, Sendable {
    case heard
    /// Nothing for a little while: it should be asked whether it is there.
    case quiet
    /// Nothing for half of the time.
    case missed
    /// Nothing for all of the time.
    case lost
  }

  private var packets = 0
  private var silent = 0

  /// Looks at how many packets have come of the peer so far.
  mutating func look(packetsReceived: Int) -> Verdict {
    silent = packetsReceived == packets ? silent + 1 : 0
    packets = packetsReceived
    return switch silent {
    case ..<1: .heard
    case ..<(Self.looks / 2): .quiet
    case ..<Self.looks: .missed
    default: .lost
    }
  }
}
