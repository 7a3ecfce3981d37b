public import PeerTrust
public import PouchCore

/// A database that somebody shares by way of a hub.
///
/// ```swift
/// for shared in try await hub.getSharedDatabases() {
///   let theirs = try await Pouch(shared.dbname)
/// }
/// ```
///
/// Its record was signed by its owner, which proves that ``identity`` owns it, and nothing of who that is: names and
/// info never identify.
public struct SharedDatabase: Sendable, Hashable {
  /// Where it is: `webrtc://<encoded hub>/<encoded share id>`. It is all that is needed to open it.
  public let address: ShareAddress
  /// What the sharer calls it; at most 128 bytes.
  public let name: String
  /// What the sharer adds for applications; at most 2 KiB.
  public let info: JSON
  /// Whose it is.
  public let identity: Fingerprint
  /// What may be done with it by those who get in.
  public let access: ShareAccess
  /// The ways in.
  public let gate: Set<GateWay>
  /// How the owner and the name look beside what this installation knows.
  public let standing: KnownIdentities.Standing
  /// The number of its record.
  let number: Int
  /// Until when it counts as there, in seconds since 1970 by the hub's clock.
  let lease: Int

  init(_ record: ShareRecord, at hub: HubName, _ standing: KnownIdentities.Standing) {
    address = ShareAddress(hub: hub, share: record.id)
    name = record.name
    info = record.info
    identity = record.owner.fingerprint
    access = record.access
    gate = record.gate
    self.standing = standing
    number = record.number
    lease = record.lease
  }

  /// The address as text, under the seed's name.
  public var dbname: String { address.text }
  /// The id of its document in the hub.
  public var id: String { address.share.text }

  /// Whether a user would see a difference: renewals of the lease make none.
  func looksLike(_ other: SharedDatabase) -> Bool {
    name == other.name && info == other.info && access == other.access && gate == other.gate
      && standing == other.standing
  }
}
