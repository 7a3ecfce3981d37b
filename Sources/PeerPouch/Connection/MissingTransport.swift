import PeerTrust
import PouchCore

/// Stands for WebRTC where this package is built without it.
struct MissingTransport: PeerTransport {
  static let error = PouchError(.notImplemented, "PeerPouch was built without WebRTC.")

  func link(as role: Role, to remote: IceDescription?) async throws -> any PeerLink {
    throw MissingTransport.error
  }
}
