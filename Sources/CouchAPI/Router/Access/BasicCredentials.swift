import PouchCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A name and a password of an `Authorization` header (RFC 7617).
struct BasicCredentials {
  let name: String
  let password: String

  /// - Returns: `nil` for other schemes, for what has no colon, and for `_:_`, by which CouchDB's own pages log out.
  /// - Throws: ``PouchError/Code/badRequest`` if it is no base64.
  init?(_ header: String) throws(PouchError) {
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic" else { return nil }
    guard let decoded = Data(base64Encoded: String(Substring(parts[1]).trimmed)) else {
      throw PouchError(.badRequest, "Authorization header has invalid base64 value")
    }
    guard let text = String(validating: decoded, as: UTF8.self), let colon = text.utf8.firstIndex(of: 0x3A) else {
      return nil
    }
    name = String(text[..<colon])
    password = String(text[text.utf8.index(after: colon)...])
    if name == "_", password == "_" { return nil }
  }
}
