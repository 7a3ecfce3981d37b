/// The path that is used: a candidate of each side.
public struct CandidatePair: Hashable, Sendable {
  public var local: IceCandidate
  public var remote: IceCandidate

  init?(local: IceCandidate?, remote: IceCandidate?) {
    guard let local, let remote else { return nil }
    self.local = local
    self.remote = remote
  }

  /// Whether a TURN server stands between the peers.
  public var isRelayed: Bool { local.kind == .relayed || remote.kind == .relayed }
}
