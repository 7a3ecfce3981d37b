public import PeerTrust
public import PouchCore

/// What opening a peer's database waits for.
public enum PeerOpening: Sendable, Hashable {
  /// The connection: opening fails if the share is not there, refused, or not reached within ``PeerOptions/patience``.
  case connected
  /// Nothing: requests wait for the connection, which is made as soon as it can be.
  case nothing
}

extension LocalPeer {
  /// Opens a database that another peer shares.
  /// - Parameters:
  ///   - info: what the sharer's `onRemote` gets to see; at most 2 KiB. Its `name` is what the sharer remembers.
  ///   - waiting: what to wait for.
  /// - Throws: ``PouchError/Code/notFound`` if the hub has no such share, ``PouchError/Code/forbidden`` if its owner does
  ///   not let this identity in, ``PouchError/Code/unreachable`` or another passing error if it is not reached.
  public func open(
    _ address: ShareAddress, info: JSON = [:], waiting: PeerOpening = .connected
  ) async throws -> PeerDatabase {
    try await open(Connectors.Key(address: address, ticket: nil), info, waiting)
  }

  /// Opens the database that a ticket leads to, and claims the ticket for this identity.
  public func open(
    _ ticket: Ticket, info: JSON = [:], waiting: PeerOpening = .connected
  ) async throws -> PeerDatabase {
    try await open(Connectors.Key(address: ticket.address, ticket: ticket), info, waiting)
  }

  /// Opens the database that an address or a ticket leads to.
  public func open(
    _ place: PeerPlace, info: JSON = [:], waiting: PeerOpening = .connected
  ) async throws -> PeerDatabase {
    switch place {
    case .address(let address): try await open(address, info: info, waiting: waiting)
    case .ticket(let ticket): try await open(ticket, info: info, waiting: waiting)
    }
  }

  private func open(_ key: Connectors.Key, _ info: JSON, _ waiting: PeerOpening) async throws -> PeerDatabase {
    let connector = connectors.take(key) { PeerConnector(key.address, key.ticket, info: info, self) }
    let database = PeerDatabase(key, connector, self)
    guard waiting == .connected else { return database }
    do {
      try await connector.settle()
    } catch {
      try? await database.close()
      throw error
    }
    return database
  }
}
