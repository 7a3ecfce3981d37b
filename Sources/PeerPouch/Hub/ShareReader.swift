import Logging
import PeerTrust
import PouchCore
import Synchronization

/// Reads the records of shares from a hub, and believes those that their owners signed.
struct ShareReader: Sendable {
  let peer: LocalPeer
  let hub: any Database
  let name: HubName

  init(_ peer: LocalPeer, _ hub: any Database) throws(PouchError) {
    self.peer = peer
    self.hub = hub
    name = try peer.hubs.name(of: hub)
  }

  /// The ids of shares, with the next text after their prefix as the end: a range that both raw collation and ICU's know.
  static let selector: JSON = ["_id": ["$gte": "share-", "$lt": "share."]]

  // MARK: One share

  /// The record that holds of a share.
  /// - Throws: ``PouchError/Code/notFound`` if there is none, or none that is valid; what the hub throws.
  func record(of share: ShareID) async throws -> ShareRecord {
    let id = DocumentID(share.text)
    var leaves: [Document] = []
    do {
      let winner = try await hub.get(id, including: .conflicts)
      leaves = try await self.leaves(of: winner)
    } catch let error as PouchError where error.code == .notFound {
      throw ShareReader.absent
    }
    guard let record = choose(leaves, share) else { throw ShareReader.absent }
    return record
  }

  static let absent = PouchError(.notFound, "The share is not there.")

  /// All leaves of a share's document: others may have written into it.
  private func leaves(of winner: Document) async throws -> [Document] {
    guard let id = winner.id, winner.metadata?.conflicts?.isEmpty == false else { return [winner] }
    return try await hub.openRevisions(of: id).compactMap(\.document).filter { !$0.isDeleted }
  }

  private func choose(_ leaves: [Document], _ share: ShareID) -> ShareRecord? {
    peer.records.withLock { memory in
      do throws(Rejection) {
        return try memory.choose(among: leaves, of: share).record
      } catch {
        peer.options.logger.debug("A share is not believed.", metadata: ["share": "\(share)", "check": "\(error)"])
        return nil
      }
    }
  }

  // MARK: Lists

  /// The shares that are listed, in the order of their ids: those of others whose lease is not over.
  func list() async throws -> [SharedDatabase] {
    var shares: [SharedDatabase] = []
    for try await row in hub.rows(.prefix("share-", rows: .documents(.conflicts))) {
      guard let document = row.document, let shared = try await read(document) else { continue }
      shares.append(shared)
    }
    // The date is that of the last answer.
    return shares.filter { !isExpired($0) }
  }

  /// A share from its document; `nil` if it is not valid, or one of this peer's own.
  func read(_ winner: Document) async throws -> SharedDatabase? {
    guard let share = (winner.id?.text).flatMap({ ShareID($0) }), !peer.shares.isOwn(share, at: name),
      let record = choose(try await leaves(of: winner), share)
    else { return nil }
    return SharedDatabase(record, at: name, peer.standing(of: record.owner.fingerprint, named: record.name))
  }

  func isExpired(_ shared: SharedDatabase) -> Bool { shared.lease <= HubDate.now(of: hub, peer.options.time) }

  /// How long a share's lease lasts still.
  func remaining(of shared: SharedDatabase) -> Duration {
    .seconds(shared.lease - HubDate.now(of: hub, peer.options.time))
  }
}
