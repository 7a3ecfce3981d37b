import Foundation
import PouchCore
import Testing

@testable import PeerTrust

/// The test vectors of `Tests/Fixtures/trust`, which `Tests/Interop/trust/make_vectors.py` wrote.
enum Vectors {
  static func load(_ name: String) throws -> JSON {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = folder.appending(components: "Fixtures", "trust", "\(name).json")
    return try JSON(parsing: Array(Data(contentsOf: file)))
  }

  /// The negative vectors of a file.
  static func negative(of name: String) throws -> [Negative] {
    try load(name).elements("negative").map { json in
      Negative(
        name: try json.text("name"), verdict: try json.text("verdict"), json: json,
        before: json["before"]?.array ?? [])
    }
  }

  /// Something that must not be accepted.
  struct Negative: CustomTestStringConvertible {
    let name: String
    let verdict: String
    let json: JSON
    /// What is received first, and accepted.
    let before: [JSON]

    var document: JSON { get throws { try json.member("document") } }
    var testDescription: String { name }
  }
}

extension JSON {
  func member(_ name: String) throws -> JSON {
    try #require(self[ExactString(name)], "The vectors have no \(name).")
  }

  func text(_ name: String) throws -> String {
    try #require(member(name).string)
  }

  func bytes(_ name: String) throws -> [UInt8] {
    try #require(Base64URL.decode(text(name)))
  }

  func elements(_ name: String) throws -> [JSON] {
    try #require(member(name).array)
  }
}

extension Document {
  /// A document from outside, as a hub would give it.
  static func from(_ json: JSON) throws -> Document { try Document(json) }
}
