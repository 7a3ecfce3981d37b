import Foundation
import PouchCore
import Testing

/// What a replicator and CouchDB said to each other.
///
/// Four bodies are not whole in the recordings, all of them because of `blob.bin`. They are completed from what else
/// was recorded, and must come out with the number of bytes that they had.
struct ReplicatorRecording {
  let exchanges: [RecordedExchange]
  let attachments: RecordedAttachments
  /// The revisions whose bodies were recorded, by id and revision.
  private let documents: [String: [String: JSON]]
  /// The revisions that the replicator itself wrote, by database.
  private let written: [String: Set<String>]

  init(_ file: String) throws {
    let attachments = try RecordedAttachments()
    var exchanges = try RecordedExchange.load(file)
    let documents = Self.documents(in: exchanges)
    for index in exchanges.indices {
      if let bytes = exchanges[index].cutResponseBytes {
        exchanges[index].responseBody = try attachments.completing(exchanges[index].responseBody)
        try #require(exchanges[index].responseBody.count == bytes)
        exchanges[index].cutResponseBytes = nil
      }
      if let bytes = exchanges[index].cutRequestBytes {
        let exchange = exchanges[index]
        exchanges[index].body =
          exchange.isBulkWrite
          ? try Self.bulkWrite(of: exchanges[..<index], documents, attachments)
          : try attachments.completing(exchange.body)
        try #require(exchanges[index].body.count == bytes)
        exchanges[index].cutRequestBytes = nil
      }
    }
    var written: [String: Set<String>] = [:]
    for exchange in exchanges {
      for document in exchange.writtenDocuments {
        written[exchange.database, default: []].insert(Self.key(document))
      }
    }
    self.exchanges = exchanges
    self.attachments = attachments
    self.documents = documents
    self.written = written
  }

  /// The labels of the runs, in order.
  var runs: [String] {
    exchanges.reduce(into: []) { runs, exchange in
      if runs.last != exchange.label { runs.append(exchange.label) }
    }
  }

  /// The revisions that the answer to a request for changes tells of, and that the replicator did not write: those
  /// that programs wrote at the server.
  func editsElsewhere(toldBy exchange: RecordedExchange) throws -> [Document] {
    let rows = try JSON(parsing: exchange.responseBody)["results"]?.array ?? []
    return try rows.flatMap { row in
      let id = try #require(row["id"]?.string)
      let revisions = (row["changes"]?.array ?? []).compactMap { $0["rev"]?.string }
      return try revisions.filter { written[exchange.database]?.contains("\(id) \($0)") != true }.map {
        try document(id, $0)
      }
    }
  }

  /// A revision with the attachments that came with it.
  private func document(_ id: String, _ revision: String) throws -> Document {
    var document = try Document(try #require(documents[id]?[revision]))
    for (name, stub) in document.attachments where stub.revisionPosition == document.revision?.generation {
      var attachment = stub
      if name == "blob.bin" {
        attachment.content = .data(attachments.blob)
        attachment.digest = nil
      } else {
        attachment.content = .data(attachments.compressedNote)
        attachment.encoding = .gzip
        attachment.encodedLength = Int64(attachments.compressedNote.count)
      }
      document.attachments[name] = attachment
    }
    return document
  }

  // MARK: What was recorded

  private static func key(_ document: JSON) -> String {
    "\(document["_id"]?.string ?? "") \(document["_rev"]?.string ?? "")"
  }

  private static func documents(in exchanges: [RecordedExchange]) -> [String: [String: JSON]] {
    var documents: [String: [String: JSON]] = [:]
    for exchange in exchanges where exchange.isWhole {
      for document in exchange.readDocuments + exchange.writtenDocuments {
        guard let id = document["_id"]?.string, let revision = document["_rev"]?.string else { continue }
        documents[id, default: [:]][revision] = documents[id]?[revision] ?? document
      }
    }
    return documents
  }

  /// The request with which PouchDB's replicator wrote all that the answer before told it to be missing. It began with
  /// some of these documents, in another order.
  private static func bulkWrite(
    of exchanges: ArraySlice<RecordedExchange>, _ documents: [String: [String: JSON]],
    _ attachments: RecordedAttachments
  ) throws -> [UInt8] {
    let missing = try JSON(parsing: try #require(exchanges.last { $0.target.hasSuffix("/_revs_diff") }).responseBody)
    let list = try (missing.object ?? [:]).flatMap { id, entry in
      try (entry["missing"]?.array ?? []).map { revision in
        try withAttachments(#require(documents[id.string]?[revision.string ?? ""]), attachments)
      }
    }
    return Array(JSON.object(["docs": .array(list), "new_edits": false]).text.utf8)
  }

  /// A document as PouchDB's replicator sends it: with the bytes of its attachments and the digests of these.
  private static func withAttachments(_ document: JSON, _ attachments: RecordedAttachments) throws -> JSON {
    guard var members = document.object, let stubs = document["_attachments"]?.object else { return document }
    var described = JSON.Object()
    for (name, stub) in stubs {
      let isBlob = name == "blob.bin"
      described[name] = [
        "data": isBlob ? JSON(Data(attachments.blob).base64EncodedString()) : try #require(attachments.note["data"]),
        "digest": try #require(isBlob ? stub["digest"] : attachments.note["digest"]),
        "content_type": try #require(stub["content_type"]), "revpos": try #require(stub["revpos"]),
      ]
    }
    members["_attachments"] = .object(described)
    return .object(members)
  }
}

extension RecordedExchange {
  private var path: [Substring] { target.prefix { $0 != "?" }.split(separator: "/") }

  /// The name of the database that was asked; empty if it was the server.
  var database: String { path.first.map(String.init) ?? "" }

  var isBulkWrite: Bool { path.count == 2 && path[1] == "_bulk_docs" }

  var isFeed: Bool { path.count == 2 && path[1] == "_changes" }

  /// Whether the answer may wait for something to happen.
  var isLongpoll: Bool { isFeed && target.contains("feed=longpoll") }

  /// The id and name of the attachment that was asked for.
  var attachment: (id: String, name: String)? {
    guard method == "GET", path.count == 3, !path[1].hasPrefix("_") else { return nil }
    return (String(path[1]), String(path[2]))
  }

  /// The documents that the request writes, but for local ones and multipart.
  var writtenDocuments: [JSON] {
    if isBulkWrite { return (try? JSON(parsing: body))?["docs"]?.array ?? [] }
    guard method == "PUT", target.contains("new_edits=false") else { return [] }
    return (try? JSON(parsing: body)).map { [$0] } ?? []
  }

  /// The documents that the recorded answer delivers, but for multipart.
  var readDocuments: [JSON] { Self.documents(ofBulkGet: responseBody, path) }

  /// The documents that an answer to this request delivers.
  func documents(of answer: [UInt8]) -> [JSON] { Self.documents(ofBulkGet: answer, path) }

  private static func documents(ofBulkGet answer: [UInt8], _ path: [Substring]) -> [JSON] {
    guard path.count == 2, path[1] == "_bulk_get", let results = (try? JSON(parsing: answer))?["results"]?.array else {
      return []
    }
    return results.flatMap { $0["docs"]?.array ?? [] }.compactMap { $0["ok"] }
  }
}
