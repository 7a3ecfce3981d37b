import Foundation
import PeerTrust
import PouchCore
import PouchReplication
import PouchStore
import Testing

@testable import PeerPouch

/// What a hub that puts other documents in place of those it was given cannot do. It ends in the documented errors; who
/// is connected stays so, and when the hub is honest again everything works.
@Suite(.timeLimit(.minutes(2)))
struct EvilHubSwapTests {
  /// Ben uses a share of Anna's by way of a hub that shows him what it likes; Carl does so by an honest one.
  fileprivate struct Scene {
    let peers: Peers
    let hub: EvilHub
    let anna: LocalPeer
    let ben: LocalPeer
    let carl: LocalPeer
    let notes: LocalDatabase
    let share: Share
    let address: ShareAddress

    init() async throws {
      peers = try Peers()
      hub = EvilHub(peers.hub)
      anna = try peers.peer()
      ben = try peers.peer { $0.patience = .seconds(1) }
      carl = try peers.peer()
      notes = try await Peers.notes()
      share = try await peers.hub.shareDatabase(notes, as: anna) { _ in }
      address = ShareAddress(hub: try ben.hubs.name(of: hub), share: share.address.share)
    }

    /// The signals that one opening of Carl's takes, and then the database he has opened.
    func signals() async throws -> (offer: Document, answer: Document, theirs: PeerDatabase) {
      let position = try await peers.hub.info().updateSequence
      var feed = peers.hub.changes(ChangesQuery(.live, since: .after(position), rows: .documents)).makeAsyncIterator()
      let theirs = try await carl.open(share.address, waiting: .nothing)
      var found: [String: Document] = [:]
      while found.count < 2, let change = try await feed.next() {
        // A signal may have been deleted by now; its body is in its first revision all the same.
        guard let prefix = ["p-signal-", "s-signal-"].first(where: { change.id.text.hasPrefix($0) }) else { continue }
        let all = try await peers.hub.openRevisions(of: change.id, .all, GetOptions(including: .revisions))
        guard let tip = all.first?.document, let first = tip.revisions?.last else { continue }
        found[prefix] = try await peers.hub.get(change.id, at: first)
      }
      _ = try await theirs.info()
      return (try #require(found["p-signal-"]), try #require(found["s-signal-"]), theirs)
    }

    /// The hub is honest again: Ben gets in, and both sides end with the same.
    func recover() async throws {
      hub.tamper(nil)
      await ben.close()
      let again = try peers.peer(ben.identity)
      _ = try again.hubs.name(of: hub)
      let theirs = try await again.open(address)
      let copy = try await Peers.notes(1)
      try await copy.put(["_id": "from-ben"])
      _ = try await copy.sync(with: theirs, .once)
      #expect(try await copy.allDocs().rows.map(\.id) == notes.allDocs().rows.map(\.id))
      for peer in [carl, again, anna] { await peer.close() }
    }

    func opensNot(_ code: PouchError.Code, sourceLocation: SourceLocation = #_sourceLocation) async {
      let error = await #expect(throws: PouchError.self, sourceLocation: sourceLocation) { try await ben.open(address) }
      #expect(error?.code == code, sourceLocation: sourceLocation)
    }
  }

  @Test func `an answer in place of another one is no answer`() async throws {
    let scene = try await Scene()
    let (_, answer, theirs) = try await scene.signals()
    // The description that is in Carl's answer, which leads to Anna, but not as Ben.
    scene.hub.tamper { document in
      guard document.id?.text.hasPrefix("s-signal-") == true else { return document }
      var swapped = document
      swapped["peerpouch"] = answer["peerpouch"]
      return swapped
    }
    await scene.opensNot(.unreachable)
    #expect(try await theirs.info().documentCount == 3)
    #expect(await scene.share.remotes.map(\.identity) == [scene.carl.identity.fingerprint])
    try await scene.recover()
  }

  enum Swap: CaseIterable, Sendable {
    case wholeRecord, signature, ownerKey, epochKey
  }

  @Test(arguments: Swap.allCases)
  func `a record with another owner, key or signature is none of this share`(swap: Swap) async throws {
    let scene = try await Scene()
    let eve = Peers.identity()
    let record = try SignedRecord(try await scene.hub.base.get(DocumentID(scene.share.id))).record
    var random = RandomSource.system
    let evesEpoch = OfferReception(share: record.id, owner: eve.key, at: .now, using: &random).epoch
    // What Eve can sign: a record under her own key, which makes it one of another share.
    let forged = SignedRecord(
      try ShareRecord(
        owner: eve.key, salt: record.salt, number: record.number + 1, epoch: evesEpoch, name: record.name,
        access: record.access, gate: record.gate, lease: record.lease), signedBy: eve
    ).document
    scene.hub.tamper { document in
      guard document.id?.text == record.id.text else { return document }
      var swapped = document
      switch swap {
      case .wholeRecord: swapped["peerpouch"] = forged["peerpouch"]
      case .signature: swapped.setSigned("g", forged["peerpouch"]?["g"])
      case .ownerKey: swapped.setSigned("r", document.record(with: "key", of: forged))
      case .epochKey: swapped.setSigned("r", document.record(with: "epoch", of: forged))
      }
      #expect(swapped["peerpouch"] != document["peerpouch"])
      return swapped
    }
    await scene.opensNot(.notFound)
    #expect(try await scene.hub.getSharedDatabases(as: scene.ben).isEmpty)
    #expect(scene.peers.transport.linkCount(.opener) == 0)
    try await scene.recover()
  }

  @Test func `an offer that is led to another share is not taken there`() async throws {
    let scene = try await Scene()
    let other = try await scene.peers.hub.shareDatabase(Peers.notes(), as: scene.anna)
    let (offer, _, theirs) = try await scene.signals()
    let links = scene.peers.transport.linkCount(.sharer)
    var led = offer
    led["recipient"] = JSON(other.id)
    try await scene.present(led)
    #expect(await other.desk.reception.pendingCount == 0)
    #expect(scene.peers.transport.linkCount(.sharer) == links)
    #expect(try await theirs.info().documentCount == 3)
    try await scene.recover()
  }

  @Test func `signals of an opening that was do nothing when they are shown again`() async throws {
    let scene = try await Scene()
    let (offer, answer, theirs) = try await scene.signals()
    let links = scene.peers.transport.linkCount(.sharer)
    // The same offer to the same sharer.
    try await scene.present(offer)
    #expect(await scene.share.desk.reception.pendingCount == 0)
    // The answer to it, to another offer of the same identity: as if it had been sent to Ben's session.
    try await theirs.close()
    scene.hub.tamper { document in
      guard document.id?.text.hasPrefix("s-signal-") == true else { return document }
      var old = answer
      old.id = document.id
      old.revision = document.revision
      return old
    }
    await scene.opensNot(.unreachable)
    // The same offer once more, after the sharer has started again with another key.
    await scene.share.stop()
    let again = try await scene.peers.hub.shareDatabase(scene.notes, as: scene.anna) { _ in }
    #expect(again.id == scene.share.id)
    let linksOfBen = scene.peers.transport.linkCount(.sharer)
    #expect(linksOfBen >= links)
    try await scene.present(offer)
    #expect(await again.desk.reception.pendingCount == 0)
    #expect(scene.peers.transport.linkCount(.sharer) == linksOfBen)
    try await scene.recover()
  }

  @Test func `a hub that holds back answers or offers delays openings and nothing else`() async throws {
    let scene = try await Scene()
    let (_, _, theirs) = try await scene.signals()
    scene.hub.tamper { $0.id?.text.hasPrefix("s-signal-") == true ? nil : $0 }
    await scene.opensNot(.unreachable)
    scene.hub.tamper { _ in nil }
    await scene.opensNot(.notFound)
    #expect(try await theirs.info().documentCount == 3)
    try await scene.recover()
  }

  @Test func `a hub sees neither who opens a share nor how either side is reached`() async throws {
    let scene = try await Scene()
    let (offer, answer, _) = try await scene.signals()
    for signal in [offer, answer] {
      let sealed = try #require(signal["peerpouch"]?["c"]?.string.flatMap { Base64URL.decode($0) })
      let seen = signal.body.bytes + sealed
      for secret in ["password0123456789password", "ufrag", scene.carl.identity.fingerprint.text] {
        #expect(!seen.contains(Array(secret.utf8)))
      }
      #expect(!seen.contains(scene.carl.identity.key.bytes))
    }
    try await scene.recover()
  }
}

extension EvilHubSwapTests.Scene {
  /// Puts a signal into the hub again, and waits until its recipient has looked at it.
  func present(_ signal: Document) async throws {
    var copy = signal
    let id = DocumentID("p-signal-\(UUID().uuidString.lowercased())")
    copy.id = id
    copy.revision = nil
    try await peers.hub.put(copy)
    for try await change in peers.hub.changes(ChangesQuery(.live, ids: [id])) where change.isDeleted { break }
  }
}

extension Document {
  /// The record of a share document.
  private var record: JSON.Object? {
    guard let text = self["peerpouch"]?["r"]?.string, let bytes = Base64URL.decode(text) else { return nil }
    return (try? JSONText(bytes))?.json.object
  }

  /// The record with a member of another one's, as base64url.
  fileprivate func record(with member: ExactString, of other: Document) -> JSON? {
    guard var record = record else { return nil }
    record[member] = other.record?[member]
    return JSON(Base64URL.encode(JSONText(.object(record)).bytes))
  }

  fileprivate mutating func setSigned(_ member: ExactString, _ value: JSON?) {
    var signed = self["peerpouch"]?.object ?? [:]
    signed[member] = value
    self["peerpouch"] = .object(signed)
  }
}
