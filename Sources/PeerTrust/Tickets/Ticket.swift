/// A secret that lets its first holder into a share, together with where the share is.
///
/// Written `pp1-` and base32 of `P ‖ H(P)[0..<4]`, where `P = 01 ‖ uuid ‖ secret ‖ length ‖ hub`: the share's UUID and the
/// secret have 16 bytes each, the length two, big-endian. It is as long as it must be to need no server: there are no
/// short codes.
public struct Ticket: Sendable, Hashable, CustomStringConvertible {
  public let share: ShareID
  public let hub: HubName
  /// 16 bytes.
  let secret: [UInt8]

  /// Why a text is no ticket.
  public enum Problem: Error, Sendable, Hashable {
    /// It does not begin with `pp1-`, is too long, or has characters that tickets do not have.
    case form
    /// It was mistyped or cut off.
    case checksum
    /// It is whole, but of a version, share or hub that tickets cannot have.
    case contents
  }

  /// A new ticket.
  public init(to share: ShareID, hub: HubName, using generator: inout some RandomNumberGenerator) {
    self.init(share: share, hub: hub, secret: .random(16, using: &generator))
  }

  init(share: ShareID, hub: HubName, secret: [UInt8]) {
    self.share = share
    self.hub = hub
    self.secret = secret
  }

  /// Reads what somebody typed or pasted; upper case and white space around it do not matter.
  public init(_ text: String) throws(Problem) {
    guard let plain = TypedText.lowered(text), plain.utf8.count <= Ticket.longest,
      plain.utf8.starts(with: Ticket.prefix.utf8),
      let bytes = Base32.decode(String(plain.dropFirst(Ticket.prefix.count)))
    else { throw .form }
    guard bytes.count > 4, Array(bytes.suffix(4)) == Ticket.checksum(Array(bytes.dropLast(4))) else { throw .checksum }
    let payload = Array(bytes.dropLast(4))
    guard payload.count > 35, payload[0] == 1, payload.count == 35 + (Int(payload[33]) << 8 | Int(payload[34])),
      let share = ShareID(uuid: Array(payload[1..<17])),
      let hub = String(validating: payload[35...], as: UTF8.self).flatMap(HubName.init)
    else { throw .contents }
    self.init(share: share, hub: hub, secret: Array(payload[17..<33]))
  }

  /// The ticket to hand over.
  public var text: String {
    let hub = Array(hub.text.utf8)
    let payload = [1] + share.uuid + secret + [UInt8(hub.count >> 8), UInt8(hub.count & 0xFF)] + hub
    return Ticket.prefix + Base32.encode(payload + Ticket.checksum(payload))
  }

  /// `tid` and `kT`: what sharer and opener make of the secret.
  public var keys: TicketKeys { TicketKeys(share: share, secret: secret) }

  public var address: ShareAddress { ShareAddress(hub: hub, share: share) }

  /// Says which share, and keeps the secret.
  public var description: String { "ticket to \(share)" }

  private static let prefix = "pp1-"
  private static let longest = 4 + ((35 + TrustLimits.hub + 4) * 8 + 4) / 5

  private static func checksum(_ payload: [UInt8]) -> [UInt8] {
    Array(Primitives.hash(payload).prefix(4))
  }
}

/// What a ticket is known by, and what it proves itself with; neither tells its secret.
public struct TicketKeys: Sendable, Hashable {
  /// `tid`: 16 bytes.
  public let id: TicketID
  /// `kT`: 32 bytes.
  let key: [UInt8]

  init(share: ShareID, secret: [UInt8]) {
    id = TicketID(Primitives.derive(secret, salt: share.uuid, info: "pp1 ticket id", count: 16))
    key = Primitives.derive(secret, salt: share.uuid, info: "pp1 ticket key", count: 32)
  }
}

/// `tid`: which ticket, without its secret.
public struct TicketID: Sendable, Hashable, CustomStringConvertible {
  /// 16 bytes.
  public let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  public var description: String { Base64URL.encode(bytes) }
}

/// What an opener shows of a ticket: its id, and an authentication code over this very opening.
public struct TicketProof: Sendable, Hashable {
  public let id: TicketID
  /// `mac`: 32 bytes.
  public let code: [UInt8]
  /// What the code is over.
  let message: [UInt8]

  func isMade(with keys: TicketKeys) -> Bool {
    keys.id == id && Primitives.isAuthentic(code, message, key: keys.key)
  }
}
