/// Which shares are in use over a connection, both ways.
struct ShareTable: Sendable {
  enum Use: Sendable, Hashable {
    /// Asked for, not answered.
    case opening
    case open
  }

  /// Shares of the peer that this side uses.
  private(set) var own: [ShareNumber: Use] = [:]
  /// Shares of this side that the peer uses.
  private(set) var peers: [ShareNumber: Use] = [:]
  private var next: ShareNumber = 1
  private var highestOfPeer: ShareNumber = 0

  init(_ role: TunnelMachine.Role) {
    switch role {
    case .opener: own[0] = .open
    case .sharer: peers[0] = .open
    }
  }

  /// A number for another share of the peer.
  mutating func open() -> ShareNumber {
    defer { next += 1 }
    own[next] = .opening
    return next
  }

  mutating func settle(own number: ShareNumber, isOpen: Bool) {
    own[number] = isOpen ? .open : nil
  }

  mutating func settle(peers number: ShareNumber, isOpen: Bool) {
    guard peers[number] != nil else { return }
    peers[number] = isOpen ? .open : nil
  }

  /// Notes what the peer asks for.
  /// - Returns: whether there is room for it.
  mutating func opening(_ number: ShareNumber, limit: Int) throws(ProtocolViolation) -> Bool {
    guard number > highestOfPeer else { throw .wrongStreamNumber }
    highestOfPeer = number
    guard peers.count <= limit else { return false }
    peers[number] = .opening
    return true
  }

  /// Whether the peer may request something of a share.
  /// - Throws: ``ProtocolViolation/unknownStream`` if it never asked for it.
  func isOpen(peers number: ShareNumber) throws(ProtocolViolation) -> Bool {
    if peers[number] == .open { return true }
    guard number <= highestOfPeer else { throw .unknownStream }
    return false
  }

  /// - Returns: whether there was such a share.
  mutating func remove(own number: ShareNumber) -> Bool { own.removeValue(forKey: number) != nil }

  /// - Returns: whether there was such a share.
  mutating func remove(peers number: ShareNumber) -> Bool { peers.removeValue(forKey: number) != nil }
}
