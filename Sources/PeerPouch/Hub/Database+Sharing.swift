import Foundation
import Logging
public import PeerTrust
public import PouchCore

/// A database as a hub: where peers find each other. Any database that all of them can reach will do: an embedded one, a
/// CouchDB, or a peer's own shared database.
extension Database {
  /// Shares a database by way of this hub.
  ///
  /// ```swift
  /// let share = try await hub.shareDatabase(notes, name: "notes") { remote in
  ///   if !friends.contains(remote.identity) { remote.preventDefault() }
  /// }
  /// ```
  /// - Parameters:
  ///   - database: what is shared; any database, a remote one too.
  ///   - name: what others see in their lists, at most 128 bytes; the database's own name if left out, of a URL the last
  ///     part.
  ///   - info: more for them to see, at most 2 KiB.
  ///   - access: what those may do who get in: everything behind a gate, and reading where there is none, unless told.
  ///   - gate: who is let in. Without a gate and without `onRemote` it is anyone.
  ///   - permissions: what they may do besides.
  ///   - ticketLifetime: how long the share's first ticket is good by this side's clock, which then is a new one; always
  ///     if `nil`.
  ///   - peer: who shares; the process's own peer if `nil`.
  ///   - onRemote: decides about those who have no other way in, before there is a connection or anything is exposed.
  ///     Whoever is not prevented is let in.
  /// - Returns: the share, which others find from now on. It lasts until ``Share/stop()``.
  /// - Throws: ``PouchError/Code/conflict`` if this peer shares the database on this hub already,
  ///   ``PouchError/Code/badRequest`` if name or info are too long, ``PouchError/Code/notImplemented`` if nobody could connect
  ///   since this was built without WebRTC, and what the hub and the database throw.
  @discardableResult
  public func shareDatabase(
    _ database: any Database, name: String? = nil, info: JSON = [:], access: ShareAccess? = nil,
    gate: Gate = .anyone, permissions: SharePermissions = [], ticketLifetime: Duration? = nil,
    as peer: LocalPeer? = nil, onRemote: RemoteHandler? = nil
  ) async throws -> Share {
    let peer = try peer ?? LocalPeer.standard()
    try peer.options.checkTransport()
    var gate = gate
    if onRemote != nil { gate.asks = true }
    let terms = ShareDesk.Terms(
      name: name ?? database.usualShareName, info: info, access: access ?? .usual(behind: gate.ways), gate: gate,
      onRemote: onRemote, permissions: permissions, ticketLifetime: ticketLifetime)
    if gate.isOpen {
      peer.options.logger.notice(
        "A share has no gate: anyone who can read the hub gets in.",
        metadata: ["name": "\(terms.name)", "access": "\(terms.access.rawValue)"])
    }
    return try await peer.share(database, by: self, terms)
  }

  /// What a share of this database is called where it is not said: nothing of where it is, which a URL would tell.
  var usualShareName: String {
    guard name.contains("://"), let last = name.split(separator: "/").last.map(String.init) else { return name }
    return last.removingPercentEncoding ?? last
  }

  /// Ends the sharing of a database by way of this hub: removes the share, and drops those who use it. Nothing happens if
  /// it is not shared.
  /// - Throws: what the hub and the database throw.
  public func unshareDatabase(_ database: any Database, as peer: LocalPeer? = nil) async throws {
    let peer = try peer ?? LocalPeer.standard()
    guard let salt = try await ShareSalts.read(from: database) else { return }
    let id = ShareID(owner: peer.identity.key, salt: salt)
    if let share = peer.shares.share(id, at: try peer.hubs.name(of: self)) {
      await share.stop()
    } else {
      // What a process left behind that was killed.
      try await RecordWriter(self, id).remove()
    }
  }

  /// The databases that others share by way of this hub, in the order of their ids. Those of this peer are left out, and
  /// those whose sharers were not heard of for longer than their lease.
  /// - Throws: what the hub throws.
  public func getSharedDatabases(as peer: LocalPeer? = nil) async throws -> [SharedDatabase] {
    try await ShareReader(try peer ?? LocalPeer.standard(), self).list()
  }

  /// The databases that others share by way of this hub, and what happens to them.
  /// - Throws: ``PouchError/Code/illegalDatabaseName`` if the hub has no name that addresses can carry.
  public func sharedDatabaseChanges(as peer: LocalPeer? = nil) throws -> SharedDatabaseChanges {
    SharedDatabaseChanges(reader: try ShareReader(try peer ?? LocalPeer.standard(), self))
  }
}

extension LocalPeer {
  /// Begins a share; others find it when this returns.
  func share(_ database: any Database, by hub: any Database, _ terms: ShareDesk.Terms) async throws -> Share {
    let name = try hubs.name(of: hub)
    let salt = try await ShareSalts.salt(of: database, using: options.random)
    let address = ShareAddress(hub: name, share: ShareID(owner: identity.key, salt: salt))
    var ledger = ShareLedger()
    if let folder {
      if terms.ticketLifetime != nil { folder.sweepShares(at: options.time.date()) }
      let forgotten = try folder.forgottenIdentities()
      ledger = ShareLedger(forgotten: forgotten.last)
      if let saved = try folder.share(address) {
        ledger = ShareLedger(saved: saved, of: address.share, options.time)
        _ = ledger.revoke(forgotten)
      }
    }
    let desk = ShareDesk(database, hub, address, salt, terms, ledger, self)
    let share = Share(desk, self, ticket: try await desk.firstTicket())
    guard shares.add(share) else {
      throw PouchError(.conflict, "This database is shared on this hub already.")
    }
    do {
      try await desk.claim()
      try share.start(after: try await desk.open())
    } catch {
      await share.abandon()
      if terms.ticketLifetime != nil { await desk.discardLedger() }
      throw error
    }
    return share
  }
}
