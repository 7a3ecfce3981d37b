/// Who is let into a share: the ways that are open, each of them enough.
public struct Gate: Sendable, Hashable {
  /// Who is let in without more; `nil` if there is no list. An empty list lets nobody in.
  public var allowed: Set<Fingerprint>?
  /// Whether a ticket lets in.
  public var takesTickets: Bool
  /// Whether those who have no other way in are asked about.
  public var asks: Bool
  /// Whether everybody is let in, the hub's operator too.
  public var isOpen: Bool { allowed == nil && !takesTickets && !asks }

  /// A gate for the identities of a list, for holders of tickets, for whom the sharer lets in when asked, or for any of
  /// these. Without a list, tickets and asking it is open to anyone.
  public init(allowed: Set<Fingerprint>? = nil, takesTickets: Bool = false, asks: Bool = false) {
    self.allowed = allowed
    self.takesTickets = takesTickets
    self.asks = asks
  }

  /// Open to everybody.
  public static let anyone = Gate()

  /// The ways to publish.
  public var ways: Set<GateWay> {
    if isOpen { return [.anyone] }
    var ways: Set<GateWay> = []
    if allowed != nil { ways.insert(.allow) }
    if takesTickets { ways.insert(.ticket) }
    if asks { ways.insert(.ask) }
    return ways
  }

  /// What a gate says of a remote.
  public enum Decision: Sendable, Hashable {
    /// Let it in, by this way. A ticket is to be claimed for it in the same step.
    case admit(GateWay)
    /// Ask about it. The verdict on its ticket, if it showed one, is worth being told.
    case ask(TicketBook.Verdict)
    case refuse(Refusal)
  }

  /// Decides about a remote whose identity is verified.
  /// - Parameter ticket: what the share's book says of the ticket it showed.
  public func decision(on remote: Fingerprint, ticket: TicketBook.Verdict) -> Decision {
    if isOpen { return .admit(.anyone) }
    if let allowed, allowed.contains(remote) { return .admit(.allow) }
    if takesTickets, case .good = ticket { return .admit(.ticket) }
    if asks { return .ask(ticket) }
    guard takesTickets else { return .refuse(.forbidden) }
    switch ticket {
    case .none, .good: return .refuse(.forbidden)
    case .wrong: return .refuse(.ticket)
    case .expired: return .refuse(.ticketExpired)
    case .claimed: return .refuse(.ticketClaimed)
    }
  }
}

/// Why an opener is refused, as the sharer tells it.
public struct Refusal: RawRepresentable, Sendable, Hashable {
  /// A word of this page's list, or what a newer peer says; at most ``TrustLimits/refusal`` bytes.
  public let rawValue: String

  /// - Returns: `nil` if the text is longer than ``TrustLimits/refusal`` bytes.
  public init?(rawValue: String) {
    guard rawValue.utf8.count <= TrustLimits.refusal else { return nil }
    self.rawValue = rawValue
  }

  private init(_ word: String) { rawValue = word }

  /// The gate does not let this identity in.
  public static let forbidden = Refusal("forbidden")
  /// The ticket is none of this share's.
  public static let ticket = Refusal("ticket")
  /// The ticket's time is over.
  public static let ticketExpired = Refusal("ticket-expired")
  /// Another identity redeemed the ticket.
  public static let ticketClaimed = Refusal("ticket-claimed")
  /// Too many connections.
  public static let busy = Refusal("busy")
  /// The share is being taken back.
  public static let closed = Refusal("closed")
}
