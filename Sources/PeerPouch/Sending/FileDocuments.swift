import PeerTrust
public import PouchCore

/// The documents by which files are handed over; `docs/sending-files.md` specifies them.
public enum FileDocuments {
  /// The `type` of a file's document.
  public static let fileType = "com.stemstorage.peerpouch.file"
  /// The `type` of the document that says what is offered.
  public static let offerType = "com.stemstorage.peerpouch.offer"
  /// The id of that document.
  public static let offerID: DocumentID = "offer"
  /// The local document in which a receiver confirms what it has.
  public static let receiptID: DocumentID = "_local/received"

  /// A file as its document describes it: what another peer says, of which nothing is sure.
  public struct File: Sendable, Hashable {
    public let id: DocumentID
    public let name: String
    /// In bytes; not negative.
    public let size: Int64
    /// In hexadecimal; `nil` where it is not known yet.
    public let sha256: String?
    /// The name of its attachment; `nil` where there is none yet.
    public let attachment: String?
  }

  /// How many files an offer may have: as many as one receipt can confirm, in a local document of 64 KiB.
  public static let limit = 800

  /// The files of an offer.
  /// - Throws: ``PouchError/Code/badResponse`` if the document makes no sense.
  public static func files(of offer: Document) throws(PouchError) -> [File] {
    guard offer["type"]?.string == offerType, let entries = offer["files"]?.array, entries.count <= limit else {
      throw PouchError(.badResponse, "This is no offer of files.")
    }
    var files: [File] = []
    var ids: Set<DocumentID> = []
    var total: Int64 = 0
    for entry in entries {
      guard let id = entry["id"]?.string, let name = entry["name"]?.string, let size = size(entry["size"]),
        ids.insert(DocumentID(id)).inserted
      else { throw PouchError(.badResponse, "The offer of files makes no sense.") }
      let (sum, isBeyond) = total.addingReportingOverflow(size)
      guard !isBeyond else { throw PouchError(.badResponse, "The offer of files makes no sense.") }
      total = sum
      files.append(File(id: DocumentID(id), name: name, size: size, sha256: nil, attachment: nil))
    }
    return files
  }

  /// The file of a document.
  /// - Throws: ``PouchError/Code/badResponse`` if the document makes no sense.
  public static func file(of document: Document) throws(PouchError) -> File {
    guard document["type"]?.string == fileType, let id = document.id, let name = document["name"]?.string,
      let size = size(document["size"]), let sha256 = document["sha256"]?.string, sha256.utf8.count == 64,
      document.attachments.count == 1, let attachment = document.attachments.first,
      attachment.value.length == size
    else { throw PouchError(.badResponse, "The document of a file makes no sense.") }
    return File(id: id, name: name, size: size, sha256: sha256, attachment: attachment.name.string)
  }

  private static func size(_ json: JSON?) -> Int64? {
    guard let size = json?.int, size >= 0 else { return nil }
    return Int64(size)
  }

  // MARK: Making them

  static func offer(_ files: [OfferedFile], size: Int64) -> Document {
    let entries = files.map { file -> JSON in
      ["id": JSON(file.id.text), "name": JSON(file.name), "size": JSON(file.state.size)]
    }
    return Document(
      id: offerID, fields: ["type": JSON(offerType), "files": .array(entries), "size": JSON(size)])
  }

  static func file(_ file: OfferedFile, _ digests: OfferedFile.Digests) -> Document {
    Document(
      id: file.id,
      fields: [
        "type": JSON(fileType), "name": JSON(file.name), "size": JSON(file.state.size),
        "sha256": JSON(digests.sha256),
      ])
  }

  /// A document of a new id for somebody's inbox, with the file as its attachment.
  /// - Parameter progress: hears how many bytes were read since it heard last, of the two times that the file is read.
  /// - Throws: ``PouchError/Code/ioError``; `CancellationError`.
  public static func inboxDocument(
    for path: String, as id: DocumentID, contentType: String, _ progress: @escaping @Sendable (Int64) -> Void
  ) async throws -> Document {
    let offered = try OfferedFile(path, as: id, contentType: contentType)
    let digests = try await offered.digests(progress)
    var document = file(offered, digests)
    var attachment = Attachment(
      .stream(offered.content(0..<offered.state.size, progress)), contentType: contentType, digest: digests.md5)
    attachment.length = offered.state.size
    document.attachments[ExactString(offered.attachmentName)] = attachment
    return document
  }

  static func receipt(_ digests: [DocumentID: String], replacing revision: RevisionID?) -> Document {
    var files: JSON.Object = [:]
    for (id, digest) in digests.sorted(by: { $0.key < $1.key }) { files[id.name] = JSON(digest) }
    return Document(id: receiptID, revision: revision, fields: ["files": .object(files)])
  }

  /// Whose a local document in a peer's room is, if it is what a receiver confirms.
  static func receiver(_ id: DocumentID) -> Fingerprint? {
    let (start, end) = ("_local/peer-", "-received")
    guard id.text.hasPrefix(start), id.text.hasSuffix(end) else { return nil }
    return Fingerprint(String(id.text.dropFirst(start.count).dropLast(end.count)))
  }
}
