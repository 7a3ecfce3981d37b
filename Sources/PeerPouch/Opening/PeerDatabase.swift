import CouchAPI
public import PeerTrust
public import PouchCore
import Synchronization

/// A database that another peer shares, used in place: queried, written and replicated over a direct connection.
///
/// ```swift
/// let theirs = try await Pouch(shared.dbname)
/// for await state in (theirs as? PeerDatabase)?.connection { … }
/// ```
///
/// When the connection is lost, or the owner starts again, it is made again through the hub, and what can go on goes on:
/// reads are repeated, live feeds continue after what was delivered last, and replications from their checkpoint. A write
/// of which no answer came ends with ``PouchError/Code/badResponse``: it may have been done.
///
/// Besides the errors of ``Database`` every call may throw ``PouchError/Code/unreachable`` if there is no connection for
/// as long as ``PeerOptions/patience``, and ``PouchError/Code/forbidden`` if the owner does not let this identity in.
/// What is not allowed and what does not exist look alike: ``PouchError/Code/notFound``. Writing to a share that its owner
/// published as read-only is ``PouchError/Code/forbidden``.
///
/// Replications from it skip design documents unless ``ReplicationOptions/designDocuments`` says that they are wanted.
public final class PeerDatabase: ForeignDatabase {
  /// Where the share is.
  public let address: ShareAddress
  private let remote: RemoteDatabase
  let connector: PeerConnector
  private let key: Connectors.Key
  private let peer: LocalPeer
  private let isClosed = Mutex(false)

  init(_ key: Connectors.Key, _ connector: PeerConnector, _ peer: LocalPeer) {
    self.key = key
    self.connector = connector
    self.peer = peer
    address = key.address
    var options = RemoteOptions()
    options.random = { [random = peer.options.random] in
      var random = random
      return Double.random(in: 0..<1, using: &random)
    }
    remote = RemoteDatabase(
      carrier: PeerCarrier(connector: connector), path: [key.address.share.text], name: key.address.text,
      options: options)
  }

  deinit { release() }

  /// The address: `webrtc://…`.
  public var name: String { address.text }

  /// The state of the connection, and each that follows.
  public var connection: PeerConnectionStates { PeerConnectionStates(broadcast: connector.states) }

  /// What the owner published of the share, as it was read when the connection was made last, and how it looked beside what
  /// this installation knew before the first connection; `nil` before the record was read.
  public var share: SharedDatabase? { connector.share }

  /// Suspends until it is clear whether the share can be used.
  /// - Throws: what ``LocalPeer/open(_:info:waiting:)`` throws when it waits for the connection.
  public func connected() async throws { try await connector.settle() }

  /// Ends this use. The connection ends with its last use.
  public func close() async throws {
    try await remote.close()
    await release()?.value
  }

  /// Never: what a peer shares is its own.
  public func destroy() async throws {
    throw PouchError(.forbidden, "A peer's database cannot be destroyed.")
  }

  @discardableResult
  private func release() -> Task<Void, Never>? {
    let wasClosed = isClosed.withLock { isClosed in
      defer { isClosed = true }
      return isClosed
    }
    return wasClosed ? nil : peer.connectors.giveBack(connector, key)
  }

  /// Says in plain words what the owner answers as if nothing was there. It is the owner who decides; this is what its
  /// record tells.
  private func checkWriting() throws(PouchError) {
    guard connector.share?.access == .readOnly else { return }
    throw PouchError(.forbidden, "This share can only be read.")
  }

  // MARK: - What the peer does

  public func info() async throws -> DatabaseInfo { try await remote.info() }

  public func get(_ id: DocumentID, _ options: GetOptions) async throws -> Document {
    try await remote.get(id, options)
  }

  public func openRevisions(
    of id: DocumentID, _ which: OpenRevisions, _ options: GetOptions
  ) async throws -> [OpenRevision] {
    try await remote.openRevisions(of: id, which, options)
  }

  public func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult] {
    try await remote.bulkGet(requests, options)
  }

  public func allDocs(_ query: AllDocsQuery) async throws -> AllDocsPage { try await remote.allDocs(query) }

  public func localDocs(_ query: AllDocsQuery) async throws -> AllDocsPage { try await remote.localDocs(query) }

  /// Live feeds wait while there is no connection.
  public func nextChanges(
    _ query: ChangesQuery, after position: UpdateSequence?, limit: Int
  ) async throws -> ChangesBatch {
    var backOff = BackOff()
    var random = peer.options.random
    while true {
      do {
        return try await remote.nextChanges(query, after: position, limit: limit)
      } catch let error as PouchError where query.feed == .live && error.code.isTransient {
        do {
          try await peer.options.time.sleep(backOff.next(using: &random))
        } catch {
          throw PouchError(.cancelled)
        }
      }
    }
  }

  public func pendingChanges(after position: UpdateSequence) async throws -> Int {
    try await remote.pendingChanges(after: position)
  }

  public func bulkDocs(_ documents: [Document], _ mode: WriteMode) async throws -> [WriteResult] {
    // Local documents are written to shares of all kinds.
    if documents.contains(where: { $0.id?.isLocal != true }) { try checkWriting() }
    return try await remote.bulkDocs(documents, mode)
  }

  public func revsDiff(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: RevisionsDiff] {
    try await remote.revsDiff(revisions)
  }

  public func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload {
    try await remote.getAttachment(name, of: id, at: revision, range: range, form: form)
  }

  @discardableResult
  public func putAttachment(
    _ name: String, _ attachment: Attachment, to id: DocumentID, at revision: RevisionID?
  ) async throws -> RevisionID {
    try checkWriting()
    return try await remote.putAttachment(name, attachment, to: id, at: revision)
  }

  @discardableResult
  public func removeAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID
  ) async throws -> RevisionID {
    try checkWriting()
    return try await remote.removeAttachment(name, of: id, at: revision)
  }

  public func compact() async throws { try await remote.compact() }

  @discardableResult
  public func purge(_ revisions: [DocumentID: [RevisionID]]) async throws -> [DocumentID: [RevisionID]] {
    try await remote.purge(revisions)
  }

  public func revsLimit() async throws -> Int { try await remote.revsLimit() }

  public func setRevsLimit(_ limit: Int) async throws { try await remote.setRevsLimit(limit) }
}
