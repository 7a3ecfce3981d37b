import Foundation
import PouchCore
import Testing

/// The two files that were replicated, as far as the recordings show them.
struct RecordedAttachments {
  /// `blob.bin`: the 20,000 bytes that were recorded, and made-up ones behind them. So its digest is another one.
  let blob: [UInt8]
  /// The digest of the bytes that were not recorded, without `md5-`.
  let recordedBlobDigest: String
  /// `note.txt` as CouchDB stored it.
  let compressedNote: [UInt8]
  /// `note.txt` as PouchDB's replicator described it, with its bytes.
  let note: JSON

  private static let blobBytes = 204_800

  init() throws {
    let exchanges = try RecordedExchange.load("replicator-pouchdb.jsonl")
    let blob = try #require(exchanges.first { $0.target.hasPrefix("/pch-a/doc11/blob.bin") })
    self.blob = blob.responseBody + (blob.responseBody.count..<Self.blobBytes).map { UInt8(truncatingIfNeeded: $0 / 3) }
    recordedBlobDigest = try #require(blob.responseHeader("ETag")).trimmingCharacters(in: ["\""])
    compressedNote = try #require(exchanges.first { $0.target.hasPrefix("/pch-a/doc12/note.txt") }).responseBody
    let written = exchanges.filter(\.isWhole).flatMap(\.writtenDocuments)
    let notes = written.compactMap { $0["_attachments"]?["note.txt"] }
    note = try #require(notes.first)
  }

  /// Fills in what the recording cut from a body that ends with `blob.bin`: the rest of it, and the ends of the
  /// multipart bodies around it.
  func completing(_ body: [UInt8]) throws -> [UInt8] {
    let start = try #require(Data(body).range(of: Data(blob.prefix(64)))).lowerBound
    var completed = Array(body[..<start]) + blob
    var delimiters: [Substring] = []
    for line in String(decoding: body[..<start], as: UTF8.self).split(separator: "\r\n")
    where line.hasPrefix("--") && !delimiters.contains(line) {
      delimiters.append(line)
    }
    for delimiter in delimiters.reversed() { completed += "\r\n\(delimiter)--".utf8 }
    return completed
  }
}
