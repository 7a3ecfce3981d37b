import PeerTrust
public import PouchCore

extension PouchAdapter {
  /// `webrtc://…` and tickets: what other peers share. The hub that they name is opened as any database is.
  ///
  /// Opening waits for the connection, for as long as somebody may have to be asked there.
  /// - Parameters:
  ///   - peer: who opens; the process's own peer if `nil`.
  ///   - info: what the sharer's `onRemote` gets to see.
  public static func peer(_ peer: LocalPeer? = nil, info: JSON = [:]) -> PouchAdapter {
    PouchAdapter("webrtc", recognizes: { name in name.hasPrefix("webrtc://") || isTicket(name) }) { name, _, _ in
      let peer = try peer ?? LocalPeer.standard()
      if isTicket(name) { return try await peer.open(ticket(name), info: info) }
      guard let address = ShareAddress(name) else {
        throw PouchError(.illegalDatabaseName, "This is not the address of a share.")
      }
      return try await peer.open(address, info: info)
    }
  }

  private static func ticket(_ text: String) throws(PouchError) -> Ticket {
    do throws(Ticket.Problem) {
      return try Ticket(text)
    } catch {
      throw PouchError(
        .illegalDatabaseName, error == .checksum ? "The ticket was mistyped or cut off." : "This is not a ticket.")
    }
  }

  /// Whether a text is meant to be a ticket, whole or not.
  private static func isTicket(_ text: String) -> Bool {
    // Names of databases are shorter: the share and the secret alone have more than 50 characters.
    text.utf8.count > 64 && text.drop { $0.isWhitespace }.lowercased().hasPrefix("pp1-")
  }
}
