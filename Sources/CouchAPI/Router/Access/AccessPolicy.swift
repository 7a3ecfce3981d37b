public import PouchCore

/// Decides whose a request is, and what its principal may do.
///
/// Implementations: ``AdminAccounts``, ``AdminParty``, and ``ReadOnly`` around any other.
public protocol AccessPolicy: Sendable {
  /// Tells whose a request is.
  /// - Throws: ``PouchError/Code/unauthorized`` for wrong credentials, ``PouchError/Code/badRequest`` for malformed
  ///   ones.
  func authenticate(_ request: Request) async throws -> Authentication

  /// Allows an operation by returning.
  /// - Parameters:
  ///   - database: the database's name; `nil` for operations on the server.
  ///   - databases: where the security object of the database is.
  /// - Throws: ``PouchError/Code/unauthorized`` or ``PouchError/Code/forbidden``; a policy that hides what it forbids
  ///   throws ``PouchError/Code/notFound``.
  func authorize(
    _ operation: Operation, by principal: Principal, on database: String?, of databases: any DatabaseSet
  ) async throws

  /// The database as a principal gets to see it. A policy may put something in front of it: other names for local
  /// documents, or fewer documents.
  func view(of database: any Database, for principal: Principal) -> any Database

  /// What bounds the local documents that a principal writes; `nil` where nothing does but the database.
  func localDocumentBounds(for principal: Principal) -> LocalDocumentBounds?

  /// The security object of databases for which none was set.
  var defaultSecurity: JSON { get }

  /// Begins a session: `POST /_session`.
  /// - Returns: the principal, and the value of `Set-Cookie`.
  /// - Throws: ``PouchError/Code/unauthorized`` if name and password do not belong together,
  ///   ``PouchError/Code/notImplemented`` if the policy has no sessions.
  func logIn(name: String, password: String) async throws -> Authentication

  /// The value of `Set-Cookie` that ends a session; `nil` if the policy has no sessions.
  var endingCookie: String? { get }
}

extension AccessPolicy {
  public func view(of database: any Database, for principal: Principal) -> any Database { database }

  public func localDocumentBounds(for principal: Principal) -> LocalDocumentBounds? { nil }

  public func logIn(name: String, password: String) async throws -> Authentication {
    throw PouchError(.notImplemented, "There are no sessions here.")
  }

  public var endingCookie: String? { nil }
}

/// Whose a request is.
public struct Authentication: Sendable {
  public var principal: Principal
  /// A `Set-Cookie` value that prolongs the session, when it is time.
  public var renewedCookie: String?

  public init(_ principal: Principal, renewedCookie: String? = nil) {
    self.principal = principal
    self.renewedCookie = renewedCookie
  }
}
