public import PouchCore

/// A policy that allows what another one does, but nothing that changes documents, databases or their settings.
///
/// Local documents may be written: they are not replicated, nobody sees them who does not ask for them, and without the
/// checkpoints in them a client that replicates from here would begin anew each time. Those of others than admins are
/// bounded.
public struct ReadOnly: AccessPolicy {
  private let base: any AccessPolicy
  private let bounds: LocalDocumentBounds

  /// - Parameter bounds: those of the local documents that others than the server's admins write.
  public init(_ base: any AccessPolicy, bounds: LocalDocumentBounds = LocalDocumentBounds()) {
    self.base = base
    self.bounds = bounds
  }

  public func localDocumentBounds(for principal: Principal) -> LocalDocumentBounds? {
    principal.isServerAdmin ? nil : bounds
  }

  public func authorize(
    _ operation: Operation, by principal: Principal, on database: String?, of databases: any DatabaseSet
  ) async throws {
    try await base.authorize(operation, by: principal, on: database, of: databases)
    guard !operation.isWrite else { throw PouchError(.forbidden, "This server is read-only.") }
  }

  public func authenticate(_ request: Request) async throws -> Authentication {
    try await base.authenticate(request)
  }

  public func view(of database: any Database, for principal: Principal) -> any Database {
    base.view(of: database, for: principal)
  }

  public func logIn(name: String, password: String) async throws -> Authentication {
    try await base.logIn(name: name, password: password)
  }

  public var defaultSecurity: JSON { base.defaultSecurity }
  public var endingCookie: String? { base.endingCookie }
}

extension Operation {
  /// Whether more changes by it than local documents.
  var isWrite: Bool {
    switch self {
    case .createDatabase, .destroyDatabase, .replicate, .writeDocuments, .writeDesignDocuments, .writeSecurity,
      .maintain, .purge:
      true
    default: false
    }
  }
}
