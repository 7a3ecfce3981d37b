import PeerPouch

/// Reads the lines of a dump as documents whose attachments have their content.
struct DumpReader {
  /// What a line holds.
  enum Entry {
    /// Settings of the database that was dumped.
    case settings(SettingsLine)
    /// A document, ready to be written.
    case document(Document)
    /// A document whose large attachments are in the lines after it. They are read by writing it, so it must be written
    /// before the next entry is read.
    case documentAndLines(Document)
    /// Something that is no document that a database takes, and why.
    case refused(DocumentID?, PouchError)
  }

  private let lines: LineReader
  private let progress: ProgressReport
  /// The document whose lines of attachments are passed over.
  private var abandoned: (id: DocumentID?, revision: RevisionID?)?
  /// The number of the line read last.
  private(set) var number = 0

  init(_ lines: LineReader, _ progress: ProgressReport) {
    self.lines = lines
    self.progress = progress
  }

  /// The next entry; `nil` at the end.
  /// - Throws: ``MalformedLine`` for a line that is no JSON object, or has no place where it is.
  mutating func next() throws -> Entry? {
    while let line = try lines.next() {
      number = line.number
      if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      if let part = AttachmentLine(parsing: line.bytes) {
        guard let abandoned, abandoned.id == part.id, abandoned.revision == part.revision else {
          throw MalformedLine(number: number, reason: "Part of an attachment does not follow its document.")
        }
        continue
      }
      abandoned = nil
      if let settings = try settings(line.bytes) { return .settings(settings) }
      return try entry(line.bytes)
    }
    return nil
  }

  /// Passes over the lines that belong to a document, which is not written, or only in part.
  mutating func abandon(_ document: Document) {
    abandoned = (document.id, document.revision)
  }

  private func settings(_ bytes: [UInt8]) throws -> SettingsLine? {
    do throws(SettingsLine.Unreadable) {
      return try SettingsLine(parsing: bytes)
    } catch {
      throw MalformedLine(number: number, reason: error.reason)
    }
  }

  private mutating func entry(_ bytes: [UInt8]) throws -> Entry {
    var document: Document
    do {
      document = try Document(parsing: bytes)
    } catch  where error.code == .badRequest {
      guard let json = try? JSON(parsing: bytes), json.object != nil else {
        throw MalformedLine(number: number, reason: "\(error.explanation).")
      }
      return refuse(json, error)
    } catch {
      return refuse(try? JSON(parsing: bytes), error)
    }
    guard document.attachments.contains(where: { $0.value.isStub }) else { return .document(document) }
    return try attach(&document, JSON(parsing: bytes)["_attachments"])
      ? .documentAndLines(document) : .document(document)
  }

  private mutating func refuse(_ json: JSON?, _ error: PouchError) -> Entry {
    let id = json?["_id"]?.string.map { DocumentID($0) }
    abandoned = (id, json?["_rev"]?.string.flatMap { try? RevisionID($0) })
    return .refused(id, error)
  }

  /// Gives the attachments that follow their content.
  /// - Returns: whether there are any.
  private func attach(_ document: inout Document, _ descriptions: JSON?) throws -> Bool {
    var hasLines = false
    for (name, attachment) in document.attachments where descriptions?[name]?["follows"]?.bool == true {
      guard let length = attachment.storedLength, length >= 0 else {
        throw MalformedLine(number: number, reason: "The attachment \(name) has no length.")
      }
      let content = content(of: name, in: document, length)
      document.attachments[name]?.content = .stream(content)
      hasLines = true
    }
    return hasLines
  }

  private func content(of name: ExactString, in document: Document, _ length: Int64) -> ByteStream {
    let (id, revision) = (document.id, document.revision)
    return ByteStream { [lines, progress] in
      var offset: Int64 = 0
      return {
        guard offset < length else { return nil }
        try Task.checkCancellation()
        guard let line = try lines.next() else {
          throw MalformedLine(number: lines.number, reason: "The attachment \(name) ends after \(offset) bytes.")
        }
        guard let part = AttachmentLine(parsing: line.bytes), part.id == id, part.revision == revision,
          part.name == name, part.offset == offset, !part.data.isEmpty, Int64(part.data.count) <= length - offset
        else {
          throw MalformedLine(
            number: line.number, reason: "This is not the part of the attachment \(name) that starts at \(offset).")
        }
        offset += Int64(part.data.count)
        progress.update { $0.done = lines.consumed }
        return part.data
      }
    }
  }
}
