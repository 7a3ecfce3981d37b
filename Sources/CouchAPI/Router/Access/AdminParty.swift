public import PouchCore

/// Everybody is an admin of the server. For tests and for servers that only their own machine reaches.
public struct AdminParty: AccessPolicy {
  public init() {}

  public func authenticate(_ request: Request) async throws -> Authentication {
    Authentication(Principal(name: nil, roles: [Principal.adminRole], proof: .party))
  }

  public func authorize(
    _ operation: Operation, by principal: Principal, on database: String?, of databases: any DatabaseSet
  ) async throws {}

  /// No restriction.
  public var defaultSecurity: JSON { [:] }
}
