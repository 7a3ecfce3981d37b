import Foundation
import HTTPTypes
import PouchCore

@testable import CouchAPI

/// Where an answer of ours differs from the recorded one.
enum Difference: Hashable, CustomStringConvertible {
  case status(Int, Int)
  case header(String, String?, String?)
  case body(String)

  /// What is compared with the list of known differences.
  var kind: Kind {
    switch self {
    case .status(_, let own): .status(own)
    case .header(let name, _, _): .header(name)
    case .body: .body
    }
  }

  enum Kind: Hashable {
    case status(Int)
    case header(String)
    case body
  }

  var description: String {
    switch self {
    case .status(let recorded, let own): "status \(own), recorded \(recorded)"
    case .header(let name, let recorded, let own): "\(name): \(own ?? "none"), recorded \(recorded ?? "none")"
    case .body(let text): text
    }
  }
}

/// Compares an answer with the recorded one; what servers make up is matched and remembered.
struct Comparison {
  var names: Correspondence
  var differences: [Difference] = []
  private let origin: Correspondence.Origin
  private var isFeed = false
  private var isCheckpoint = false

  init(_ origin: Correspondence.Origin) {
    self.origin = origin
    names = Correspondence(origin)
  }

  /// Members that say something of the server or the moment only.
  private static let opaque: Set<String> = [
    "uuid", "version", "git_sha", "features", "vendor", "instance_start_time", "sizes", "cluster", "session_id",
    "props", "bookmark", "stack", "purge_seq", "disk_format_version",
  ]
  private static let sequences: Set<String> = ["seq", "last_seq", "update_seq"]

  mutating func differences(_ recorded: RecordedExchange, _ response: Response, _ body: [UInt8]) -> [Difference] {
    differences = []
    isFeed = recorded.target.contains("_changes")
    isCheckpoint = recorded.target.contains("/_local/")
    if response.status.code != recorded.status {
      differences.append(.status(recorded.status, response.status.code))
    }
    if recorded.isWhole {
      compareBodies(
        recorded.responseBody, body, recorded.responseHeader("Content-Type") ?? "",
        response.headers[.contentType] ?? "")
    }
    compareHeaders(recorded, response)
    return differences
  }

  private mutating func compareHeaders(_ recorded: RecordedExchange, _ response: Response) {
    for name in [
      "Content-Type", "Allow", "ETag", "Location", "Accept-Ranges", "Content-Range", "Content-Encoding",
      "Cache-Control",
    ] {
      let field = HTTPField.Name(name)!
      let theirs = recorded.responseHeader(name).map { normalized($0) }
      // A tag that CouchDB makes of the whole answer, and not of a revision or digest, is one that we do not make.
      if name == "ETag", let theirs, Self.isHashTag(theirs) { continue }
      let own = response.headers[field].map { normalized($0) }
      switch (theirs, own) {
      case (nil, nil): break
      case (let theirs?, let own?):
        if name == "ETag" {
          let theirs = theirs.trimmingCharacters(in: ["\""])
          if names.accepts(theirs, own.trimmingCharacters(in: ["\""])) { continue }
        } else if name == "Location", names.translate(theirs) == own {
          continue
        }
        if theirs != own { differences.append(.header(name, theirs, own)) }
      default: differences.append(.header(name, theirs, own))
      }
    }
    if (recorded.responseHeader("Set-Cookie") != nil) != (response.headers[.setCookie] != nil) {
      differences.append(.header("Set-Cookie", recorded.responseHeader("Set-Cookie"), response.headers[.setCookie]))
    }
  }

  /// Whether a tag is 128 bits in base 36, as Erlang writes them.
  private static func isHashTag(_ tag: String) -> Bool {
    let digits = tag.dropFirst().dropLast()
    return (20...25).contains(digits.count) && digits.allSatisfy { $0.isNumber || $0.isUppercase }
  }

  /// Boundaries and hosts are each server's own.
  func normalized(_ value: String) -> String {
    var value = value
    if let boundary = value.range(of: "boundary=") { value = String(value[..<boundary.lowerBound]) }
    return value.replacing(/http:\/\/127\.0\.0\.1:159(84|99)/, with: "")
  }

  mutating func compareBodies(_ recorded: [UInt8], _ own: [UInt8], _ type: String, _ ownType: String) {
    if recorded == own { return }
    if type.hasPrefix("multipart/") { return compareMultipart(recorded, own, type, ownType) }
    guard let theirs = try? JSON(parsing: recorded) else {
      if type.hasPrefix("application/json") || type.hasPrefix("text/event-stream") {
        return compareLines(recorded, own)
      }
      if recorded != own { differences.append(.body("bytes differ: \(text(own)), recorded \(text(recorded))")) }
      return
    }
    guard let ours = try? JSON(parsing: own) else {
      differences.append(.body("no JSON: \(text(own))"))
      return
    }
    compare(theirs, ours, "$")
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix(200), as: UTF8.self) }

  /// Feeds of lines: how many of each kind, and the shape of their JSON.
  private mutating func compareLines(_ recorded: [UInt8], _ own: [UInt8]) {
    let theirs = recorded.split(separator: 0x0A)
    let ours = own.split(separator: 0x0A)
    guard theirs.count == ours.count else {
      differences.append(.body("\(ours.count) lines, recorded \(theirs.count)"))
      return
    }
    for (recorded, own) in zip(theirs, ours) {
      let prefixes = ["data: ", "id: ", "event: "]
      let recordedPrefix = prefixes.first { text(Array(recorded)).hasPrefix($0) } ?? ""
      let ownPrefix = prefixes.first { text(Array(own)).hasPrefix($0) } ?? ""
      guard recordedPrefix == ownPrefix else {
        differences.append(.body("line begins \(ownPrefix), recorded \(recordedPrefix)"))
        return
      }
      let recordedJSON = try? JSON(parsing: recorded.dropFirst(recordedPrefix.count))
      let ownJSON = try? JSON(parsing: own.dropFirst(ownPrefix.count))
      guard let recordedJSON, let ownJSON else {
        differences.append(.body("line is no JSON: \(text(Array(own)))"))
        return
      }
      compareShape(recordedJSON, ownJSON, "$")
    }
  }

  // MARK: JSON

  private mutating func compare(_ recorded: JSON, _ own: JSON, _ path: String) {
    switch (recorded, own) {
    case (.object(let theirs), .object(let ours)):
      for (name, value) in theirs {
        guard let match = ours[name] ?? ours[ExactString(names.translate(name.string))] else {
          differences.append(.body("\(path).\(name) is not there"))
          continue
        }
        compareMember(name.string, value, match, path)
      }
      for (name, _) in ours where theirs[name] == nil && !Self.opaque.contains(name.string) {
        let isTranslated = theirs.contains { names.translate($0.name.string) == name.string }
        if !isTranslated { differences.append(.body("\(path).\(name) is additional")) }
      }
    case (.array(let theirs), .array(let ours)): compareArrays(theirs, ours, path)
    case (.string(let theirs), .string(let ours)):
      guard !names.accepts(theirs.string, ours.string) else { return }
      differences.append(.body("\(path) is \(own.text.prefix(120)), recorded \(recorded.text.prefix(120))"))
    default:
      if recorded != own {
        differences.append(.body("\(path) is \(own.text.prefix(120)), recorded \(recorded.text.prefix(120))"))
      }
    }
  }

  private mutating func compareMember(_ name: String, _ recorded: JSON, _ own: JSON, _ path: String) {
    if Self.opaque.contains(name) { return }
    // In a checkpoint, sequences are what the replicator wrote there.
    if !isCheckpoint, Self.sequences.contains(name), let theirs = recorded.string, let ours = own.string {
      _ = names.accepts(theirs, ours, opaque: true)
      return
    }
    compare(recorded, own, path + "." + name)
  }

  private mutating func compareArrays(_ theirs: [JSON], _ ours: [JSON], _ path: String) {
    guard theirs.count == ours.count else {
      differences.append(.body("\(path) has \(ours.count) elements, recorded \(theirs.count)"))
      return
    }
    // Two shards of CouchDB tell their changes in no common order, nor do leaves and missing revisions have one.
    if isFeed, path == "$.results", origin == .replication { return compareChanges(theirs, ours, path) }
    if isFeed, path == "$.results" {
      let byID = Dictionary(ours.map { ($0["id"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
      for (index, recorded) in theirs.enumerated() {
        if let own = byID[names.translate(recorded["id"]?.string ?? "")] {
          compareMember("seq", recorded["seq"] ?? nil, own["seq"] ?? nil, path)
          compareShape(recorded, own, "\(path)[\(index)]")
        } else {
          compareShape(recorded, ours[index], "\(path)[\(index)]")
        }
      }
      return
    }
    let sorted = theirs.map { names.translate($0.text) }.sorted()
    if sorted == ours.map(\.text).sorted() { return }
    for (index, pair) in zip(theirs, ours).enumerated() { compare(pair.0, pair.1, "\(path)[\(index)]") }
  }

  /// Compares all that changes say, in whatever order.
  private mutating func compareChanges(_ theirs: [JSON], _ ours: [JSON], _ path: String) {
    let byID = Dictionary(ours.map { ($0["id"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    for recorded in theirs {
      let id = recorded["id"]?.string ?? ""
      guard let own = byID[id] else {
        differences.append(.body("\(path) has no change of \(id)"))
        continue
      }
      compare(recorded, own, "\(path).\(id)")
    }
  }

  /// Compares which members there are, and of which types.
  private mutating func compareShape(_ recorded: JSON, _ own: JSON, _ path: String) {
    switch (recorded, own) {
    case (.object(let theirs), .object(let ours)):
      // Which change comes first is not the same, so that only the members of every change are.
      for name in ["seq", "id", "changes", "last_seq", "pending"] as [ExactString] {
        if (theirs[name] == nil) != (ours[name] == nil) {
          differences.append(.body("\(path).\(name) is in one of both"))
        }
      }
    case (.array, .array), (.string, .string), (.number, .number), (.null, .null), (.bool, .bool): break
    default: differences.append(.body("\(path) is \(own.text.prefix(80)), recorded \(recorded.text.prefix(80))"))
    }
  }
}
