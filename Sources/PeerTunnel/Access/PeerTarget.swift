import PouchCore

/// What a path within a share means. Paths that mean nothing here do not exist.
enum PeerTarget: Sendable, Hashable {
  case database
  case allDocs
  case changes
  case bulkGet
  case bulkDocs
  case revsDiff
  case missingRevs
  case find
  case document(DocumentID)
  /// An attachment by its name.
  case attachment(DocumentID, String)
  /// A local document.
  case local(DocumentID)

  /// Reads the segments behind the share's id, percent-decoded.
  init?(_ segments: ArraySlice<String>) {
    guard segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
    guard let first = segments.first else {
      self = .database
      return
    }
    let rest = segments.dropFirst()
    guard first.utf8.first == 0x5F else {
      self.init(DocumentID(first), rest)
      return
    }
    switch first {
    case "_local" where !rest.isEmpty: self.init(DocumentID("_local/" + rest.joined(separator: "/")), [])
    case "_design":
      guard let name = rest.first else { return nil }
      self.init(DocumentID("_design/" + name), rest.dropFirst())
    case _ where first.utf8.starts(with: "_local/".utf8) || first.utf8.starts(with: "_design/".utf8):
      self.init(DocumentID(first), rest)
    case _ where !rest.isEmpty: return nil
    case "_all_docs": self = .allDocs
    case "_changes": self = .changes
    case "_bulk_get": self = .bulkGet
    case "_bulk_docs": self = .bulkDocs
    case "_revs_diff": self = .revsDiff
    case "_missing_revs": self = .missingRevs
    case "_find": self = .find
    default: return nil
    }
  }

  /// A document, or an attachment of it.
  private init?(_ id: DocumentID, _ rest: ArraySlice<String>) {
    guard (try? id.validate()) != nil else { return nil }
    if id.isLocal {
      guard rest.isEmpty else { return nil }
      self = .local(id)
    } else if let first = rest.first {
      // Below a design document these are views and the like.
      guard !id.isDesign || first.utf8.first != 0x5F else { return nil }
      self = .attachment(id, rest.joined(separator: "/"))
    } else {
      self = .document(id)
    }
  }

  /// The segments, written anew.
  var segments: [String] {
    switch self {
    case .database: []
    case .allDocs: ["_all_docs"]
    case .changes: ["_changes"]
    case .bulkGet: ["_bulk_get"]
    case .bulkDocs: ["_bulk_docs"]
    case .revsDiff: ["_revs_diff"]
    case .missingRevs: ["_missing_revs"]
    case .find: ["_find"]
    case .document(let id), .local(let id): PeerTarget.segments(of: id)
    case .attachment(let id, let name): PeerTarget.segments(of: id) + [name]
    }
  }

  private static func segments(of id: DocumentID) -> [String] {
    for prefix in ["_design/", "_local/"] where id.name.hasPrefix(ExactString(prefix)) {
      return [String(prefix.dropLast()), String(decoding: id.text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)]
    }
    return [id.text]
  }
}
