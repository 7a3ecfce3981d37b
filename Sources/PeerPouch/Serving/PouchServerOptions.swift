public import Logging
public import PouchStore

/// What a ``PouchServer`` serves, where, and to whom.
public struct PouchServerOptions: Sendable {
  /// Who may do what.
  public enum Access: Sendable, Hashable {
    /// An admin called `admin`, whose random password is made up by the first start and written to `server.json` in the
    /// folder, which only its owner can read. The command `peerpouch` of the same user finds it there.
    case ownAdmin
    /// These admins: passwords by name.
    case admins([String: String])
    /// Everybody is an admin. Only on the loopback address, and not behind a proxy.
    case adminParty
  }

  /// What the server may do with its databases.
  public enum Rights: Sendable, Hashable {
    case readWrite
    /// Documents can be read, and nothing but checkpoints written.
    case readOnly
  }

  /// The console and the page to hand files over, at `/_peerpouch/`. Whoever reaches the server gets the pages; what they
  /// show is asked of the server by its rules.
  public enum Pages: Sendable, Hashable {
    case served
    case none
  }

  /// The folder of the databases; made if it is missing.
  public var folder: String
  public var host = "127.0.0.1"
  /// The port; 0 lets the system choose.
  public var port = 5984
  /// Further names by which clients may call the server; see ``HTTPServerConfiguration/hostNames``.
  public var hostNames: Set<String> = []
  /// The web origins that may use the server; see ``HTTPServerConfiguration/allowedOrigins``.
  public var allowedOrigins: Set<String> = []
  public var access = Access.ownAdmin
  public var rights = Rights.readWrite
  public var pages = Pages.served
  /// How the databases store.
  public var store = StoreOptions()
  /// Where the access log goes.
  public var logger = Logger(label: "peerpouch.http")

  /// - Parameter folder: that of the databases; those opened by a plain name are in ``PouchHome/folder``.
  public init(folder: String = PouchHome.folder) {
    self.folder = folder
  }
}
