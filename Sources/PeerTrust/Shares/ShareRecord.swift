public import PouchCore

/// What a sharer says of a share, and signs.
public struct ShareRecord: Sendable, Hashable {
  /// The share, which commits to ``owner`` and ``salt``.
  public let id: ShareID
  /// The sharer's identity.
  public let owner: IdentityKey
  public let salt: ShareSalt
  /// Counts the records of this share, from 1; higher ones replace lower ones.
  public let number: Int
  /// The key that offers are sealed to.
  public let epoch: AgreementKey
  /// What the sharer calls the share. It never identifies.
  public let name: String
  /// What the sharer adds for applications. It never identifies.
  public let info: JSON
  public let access: ShareAccess
  /// The ways in, at least one.
  public let gate: Set<GateWay>
  /// Until when the sharer promises to be there, in seconds since 1970 by the hub's clock. It tells who is gone, and
  /// nothing else depends on it.
  public let lease: Int

  /// Why a record cannot be made.
  public enum Problem: Error, Sendable, Hashable {
    /// The name is longer than ``TrustLimits/name`` bytes.
    case name
    /// The info is larger than ``TrustLimits/info`` bytes.
    case info
    /// The gate has no way, or others beside ``GateWay/anyone``.
    case gate
    /// The number or the lease is out of the range of JavaScript's integers.
    case number
  }

  /// A record of a share of this owner.
  /// - Throws: a ``Problem`` with what passes a limit.
  public init(
    owner: IdentityKey, salt: ShareSalt, number: Int, epoch: AgreementKey, name: String, info: JSON = [:],
    access: ShareAccess, gate: Set<GateWay>, lease: Int
  ) throws(Problem) {
    guard name.utf8.count <= TrustLimits.name else { throw .name }
    guard info.isInfo else { throw .info }
    guard !gate.isEmpty, gate == [.anyone] || !gate.contains(.anyone) else { throw .gate }
    guard (1...TrustLimits.integer).contains(number), (0...TrustLimits.integer).contains(lease) else { throw .number }
    id = ShareID(owner: owner, salt: salt)
    self.owner = owner
    self.salt = salt
    self.number = number
    self.epoch = epoch
    self.name = name
    self.info = info
    self.access = access
    self.gate = gate
    self.lease = lease
  }

  /// Whether the sharer is to be taken for gone.
  /// - Parameter date: seconds since 1970 by the hub's clock.
  public func isExpired(at date: Int) -> Bool { date >= lease }
}

// MARK: - JSON

extension ShareRecord {
  /// `r`: the record as JSON, its members in this order.
  var encoded: [UInt8] {
    let json: JSON = [
      "id": JSON(id.text),
      "key": JSON(Base64URL.encode(owner.bytes)),
      "salt": JSON(Base64URL.encode(salt.bytes)),
      "n": JSON(number),
      "epoch": JSON(Base64URL.encode(epoch.bytes)),
      "name": JSON(name),
      "info": info,
      "access": JSON(access.rawValue),
      "gate": .array(GateWay.allCases.filter(gate.contains).map { JSON($0.rawValue) }),
      "lease": JSON(lease),
    ]
    return JSONText(json).bytes
  }

  /// Reads a record. What it says is not verified yet, but for the owner's key in its id.
  /// - Throws: ``Rejection/body(_:)``, or ``Rejection/id`` if the id does not commit to key and salt.
  init(parsing encoded: [UInt8]) throws(Rejection) {
    let claimed: String
    do throws(Flaw) {
      let fields = try Fields(parsing: encoded)
      claimed = try fields.text("id", upTo: 64)
      let owner = try fields.identity("key")
      guard let salt = ShareSalt(try fields.bytes("salt")) else { throw Flaw(member: "salt") }
      guard let epoch = AgreementKey(try fields.bytes("epoch")) else { throw Flaw(member: "epoch") }
      guard let access = ShareAccess(rawValue: try fields.text("access", upTo: 16)) else {
        throw Flaw(member: "access")
      }
      let number = try fields.integer("n", from: 1)
      let name = try fields.text("name", upTo: TrustLimits.name)
      let info = try fields.info("info")
      let gate = try ShareRecord.gate(fields.value("gate"))
      let lease = try fields.integer("lease", from: 0)
      do throws(Problem) {
        try self.init(
          owner: owner, salt: salt, number: number, epoch: epoch, name: name, info: info, access: access, gate: gate,
          lease: lease)
      } catch {
        throw Flaw(member: "\(error)")
      }
    } catch {
      throw .body(error.member)
    }
    guard id.text == claimed else { throw .id }
  }

  private static func gate(_ json: JSON?) throws(Flaw) -> Set<GateWay> {
    guard let words = json?.array, words.count <= GateWay.allCases.count else { throw Flaw(member: "gate") }
    var gate: Set<GateWay> = []
    for word in words {
      guard let way = word.string.flatMap(GateWay.init), gate.insert(way).inserted else { throw Flaw(member: "gate") }
    }
    return gate
  }
}
