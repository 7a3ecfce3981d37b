import CouchAPI
import PouchCore

/// What the router asks before each operation for a peer. It repeats what the routes decide: a route that leads
/// elsewhere than it seems is stopped here.
struct PeerPolicy: AccessPolicy {
  let share: String
  let grant: PeerGrant
  let principal: Principal
  let view: PeerView

  func authenticate(_ request: Request) async throws -> Authentication { Authentication(principal) }

  func authorize(
    _ operation: Operation, by principal: Principal, on database: String?, of databases: any DatabaseSet
  ) async throws {
    guard database == share else { throw PouchError.missing }
    switch operation {
    case .readInfo: return
    case .listDocuments, .readChanges, .readDocuments, .compareRevisions: if grant.reads { return }
    case .findDocuments: if grant.reads, grant.queries == .granted { return }
    case .writeDocuments: if grant.writes { return }
    case .writeDesignDocuments:
      if grant.kind == .readWrite {
        if grant.designDocuments == .granted { return }
        // In a batch the other documents are written all the same.
        throw PouchError(.forbidden, "Design documents are not taken from peers.")
      }
    case .readLocalDocuments, .writeLocalDocuments: if grant.kind != .inbox { return }
    default: break
    }
    throw PouchError.missing
  }

  func view(of database: any Database, for principal: Principal) -> any Database { view }

  var defaultSecurity: JSON { [:] }
}

/// The one database that a peer gets to see.
struct SharedDatabaseSet: DatabaseSet {
  let share: String
  let shared: any Database

  private static let missing = PouchError(.notFound, "missing")

  func names() async throws -> [String] { [share] }

  func database(_ name: String) async throws -> any Database {
    guard name == share else { throw SharedDatabaseSet.missing }
    return shared
  }

  func create(_ name: String) async throws { throw SharedDatabaseSet.missing }
  func destroy(_ name: String) async throws { throw SharedDatabaseSet.missing }
  func security(of name: String) async throws -> JSON { throw SharedDatabaseSet.missing }
  func setSecurity(_ security: JSON, of name: String) async throws { throw SharedDatabaseSet.missing }
}
