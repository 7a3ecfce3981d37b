public import PeerTrust
public import PouchCore

extension PouchAdapter {
  /// `webrtc://…` and tickets: what other peers share. The hub that they name is opened as any database is.
  ///
  /// Opening waits for the connection, for as long as somebody may have to be asked there.
  /// - Parameters:
  ///   - peer: who opens; the process's own peer if `nil`.
  ///   - info: what the sharer's `onRemote` gets to see.
  public static func peer(_ peer: LocalPeer? = nil, info: JSON = [:]) -> PouchAdapter {
    PouchAdapter("webrtc", recognizes: PeerPlace.isMeant) { name, _, _ in
      let peer = try peer ?? LocalPeer.standard()
      return try await peer.open(PeerPlace(name), info: info)
    }
  }
}

/// What leads to the database of another peer.
public enum PeerPlace: Sendable, Hashable {
  /// `webrtc://…`
  case address(ShareAddress)
  case ticket(Ticket)

  /// Reads the address of a share, or a ticket.
  /// - Throws: ``PouchError/Code/illegalDatabaseName`` if the text is neither.
  public init(_ text: String) throws(PouchError) {
    guard PeerPlace.isTicket(text) else {
      guard let address = ShareAddress(text) else {
        throw PouchError(.illegalDatabaseName, "This is not the address of a share.")
      }
      self = .address(address)
      return
    }
    do throws(Ticket.Problem) {
      self = .ticket(try Ticket(text))
    } catch {
      throw PouchError(
        .illegalDatabaseName, error == .checksum ? "The ticket was mistyped or cut off." : "This is not a ticket.")
    }
  }

  /// Whether a text is meant to be a ticket or the address of a share, whole or not.
  public static func isMeant(by text: String) -> Bool { text.hasPrefix("webrtc://") || isTicket(text) }

  private static func isTicket(_ text: String) -> Bool {
    // Names of databases are shorter: the share and the secret alone have more than 50 characters.
    text.utf8.count > 64 && text.drop { $0.isWhitespace }.lowercased().hasPrefix("pp1-")
  }

  /// Where the share is.
  public var address: ShareAddress {
    switch self {
    case .address(let address): address
    case .ticket(let ticket): ticket.address
    }
  }
}
