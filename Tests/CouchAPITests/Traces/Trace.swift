import Foundation
import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

/// One recorded exchange with CouchDB.
struct RecordedExchange {
  let number: Int
  let label: String
  let method: String
  let target: String
  let headers: [(name: String, value: String)]
  var body: [UInt8]
  let status: Int
  let responseHeaders: [(name: String, value: String)]
  var responseBody: [UInt8]
  /// How many bytes the bodies had, where the recording cut them.
  var cutRequestBytes: Int?
  var cutResponseBytes: Int?
  /// When the request began and the answer ended, in milliseconds, where it was recorded.
  let started: Int
  let ended: Int
  /// Whether the client left before the answer's end.
  let isClosedEarly: Bool

  /// Whether bodies are there in full.
  var isWhole: Bool { cutRequestBytes == nil && cutResponseBytes == nil }

  init(_ json: JSON, number: Int) throws {
    self.number = number
    label = json["label"]?.string ?? ""
    let request = json["request"] ?? [:]
    let response = json["response"] ?? [:]
    method = request["method"]?.string ?? ""
    target = request["path"]?.string ?? ""
    headers = Self.headers(request)
    body = try Self.body(request)
    status = response["status"]?.int ?? 0
    responseHeaders = Self.headers(response)
    responseBody = try Self.body(response)
    cutRequestBytes = request["truncated"] == nil ? nil : request["bytes"]?.int
    cutResponseBytes = response["truncated"] == nil ? nil : response["bytes"]?.int
    started = json["start_ms"]?.int ?? 0
    ended = json["end_ms"]?.int ?? 0
    isClosedEarly = response["closed_early"]?.bool == true
  }

  private static func headers(_ message: JSON) -> [(name: String, value: String)] {
    (message["headers"]?.object ?? [:]).map { ($0.name.string, $0.value.string ?? "") }
  }

  private static func body(_ message: JSON) throws -> [UInt8] {
    guard let text = message["body"]?.string else { return [] }
    guard message["encoding"]?.string == "base64" else { return Array(text.utf8) }
    return Array(try #require(Data(base64Encoded: text)))
  }

  func responseHeader(_ name: String) -> String? {
    responseHeaders.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// All exchanges of a file in `Tests/Fixtures/traces`, in order.
  static func load(_ file: String) throws -> [RecordedExchange] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fixtures/traces")
    let text = try Data(contentsOf: folder.appending(path: file))
    return try text.split(separator: 0x0A).enumerated().map { number, line in
      try RecordedExchange(JSON(parsing: line), number: number)
    }
  }
}
