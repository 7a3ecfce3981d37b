/// What a peer may do with a shared database.
public struct PeerGrant: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// Read everything, write nothing but local documents of its own.
    case readOnly
    /// Read everything, and write documents.
    case readWrite
    /// Create documents, and read nothing: a box to drop files into. That an id is taken shows when it is used again.
    case inbox
  }

  public enum Permission: Sendable, Hashable {
    case denied
    case granted
  }

  public var kind: Kind
  /// `_find`, which may go through the whole database. Selectors of feeds are always allowed.
  public var queries: Permission
  /// Writing design documents: they are code that others may run.
  public var designDocuments: Permission

  public init(_ kind: Kind, queries: Permission = .denied, designDocuments: Permission = .denied) {
    self.kind = kind
    self.queries = queries
    self.designDocuments = designDocuments
  }

  public static let readOnly = PeerGrant(.readOnly)
  public static let readWrite = PeerGrant(.readWrite)
  public static let inbox = PeerGrant(.inbox)

  var reads: Bool { kind != .inbox }
  var writes: Bool { kind != .readOnly }
}
