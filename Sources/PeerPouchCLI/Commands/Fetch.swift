import ArgumentParser
import PeerPouch

struct Fetch: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a document's file to a file or standard output.",
    discussion: "A file appears under its name only when it is complete.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Argument(help: "The id of the document.") var id: DocumentID
  @Argument(help: "The name of the attachment.") var name: String
  @Option(name: .shortAndLong, help: "The file to write; - is standard output, also if that is a terminal.")
  var output: String?
  @Option(help: "The revision; the winner if left out.") var rev: RevisionID?
  @Option(
    // The last bytes are written with a dash in front, like an option.
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only these bytes, counted from 0, the last included: 0-99, 100- for all after, -100 for the last.",
      valueName: "start-end"))
  var range: AttachmentRange?

  func perform(_ console: Console) async throws {
    if output == nil, console.output.isTerminal {
      throw UsageError(reason: "An attachment could upset the terminal. Name a file with -o; -o - means it.")
    }
    try await target.open(.mustExist, console) { database in
      var download = try await database.getAttachment(name, of: id, at: rev, range: range)
      if download.attachment.encoding != nil, let range {
        // Of what is stored compressed, databases deliver all.
        download = download.cut(to: try range.resolved(length: download.attachment.length ?? 0))
      }
      let length = Int64(download.range.count)
      let progress = console.progress("fetch", in: .bytes, of: length)
      try await console.write(to: output) { output in
        for try await piece in download.content.counted(by: progress) { try output.write(piece) }
        try output.flush()
      }
      progress.finish()
    }
  }
}

extension AttachmentDownload {
  /// The same with only some of the bytes.
  fileprivate func cut(to wanted: Range<Int64>) -> AttachmentDownload {
    let content = ByteStream { [content, start = range.lowerBound] in
      var source = content.makeAsyncIterator()
      var position = start
      return {
        while position < wanted.upperBound, let piece = try await source.next() {
          let extent = position..<position + Int64(piece.count)
          position = extent.upperBound
          let kept = extent.clamped(to: wanted)
          guard !kept.isEmpty else { continue }
          return Array(piece[Int(kept.lowerBound - extent.lowerBound)..<Int(kept.upperBound - extent.lowerBound)])
        }
        return nil
      }
    }
    return AttachmentDownload(attachment: attachment, range: wanted, content: content)
  }
}
