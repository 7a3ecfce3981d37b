import PeerTrust
import PeerTunnel

/// What those who are let in may do beyond a share's ``ShareAccess``.
public struct SharePermissions: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// `_find`, which may go through the whole database.
  public static let queries = SharePermissions(rawValue: 1 << 0)
  /// Writing design documents: they are code that others may run.
  public static let designDocuments = SharePermissions(rawValue: 1 << 1)

  func grant(_ access: ShareAccess) -> PeerGrant {
    let kind: PeerGrant.Kind =
      switch access {
      case .readOnly: .readOnly
      case .readWrite: .readWrite
      case .inbox: .inbox
      }
    return PeerGrant(
      kind, queries: contains(.queries) ? .granted : .denied,
      designDocuments: contains(.designDocuments) ? .granted : .denied)
  }
}
