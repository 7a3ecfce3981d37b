#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import PouchCore

/// Where the results of `_find` go on: after this document.
///
/// It is written as the base64 (RFC 4648, section 5) of a JSON list: the id, then the values that the results are sorted
/// by. Clients cannot look into it, and may make it up: everything that can be read is taken as it is.
struct FindBookmark: Sendable, Hashable {
  let id: DocumentID
  let keys: [JSON]

  /// What CouchDB writes when there were no results.
  static let none = "nil"

  var text: String {
    let json = JSON.array([.string(id.name)] + keys)
    return Data(JSONText(json).bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      .replacing("=", with: "")
  }

  /// - Returns: `nil` for what stands for the beginning.
  /// - Throws: ``PouchError/Code/badRequest`` with CouchDB's `invalid_bookmark`.
  static func read(_ value: JSON) throws(PouchError) -> FindBookmark? {
    if value == .null || value == "" || value == JSON(none) { return nil }
    guard let text = value.string, let bookmark = FindBookmark(text) else {
      throw PouchError(.badRequest, named: "invalid_bookmark", "Invalid bookmark value: \(value.text)")
    }
    return bookmark
  }

  private init?(_ text: String) {
    let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    let base64 = text.replacing("-", with: "+").replacing("_", with: "/") + padding
    guard let bytes = Data(base64Encoded: base64), let list = try? JSON(parsing: bytes).array,
      let id = list.first?.string
    else { return nil }
    self.init(id: DocumentID(id), keys: Array(list.dropFirst()))
  }

  init(id: DocumentID, keys: [JSON] = []) {
    self.id = id
    self.keys = keys
  }
}
