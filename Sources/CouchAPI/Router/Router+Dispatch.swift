import HTTPTypes
import PouchCore

extension Router {
  /// Finds the route of a path.
  func dispatch(_ context: Context) async throws -> Response {
    let path = context.request.path
    guard let first = path.first else { return try await welcome(context) }
    if path.count == 1 {
      switch first {
      case "_all_dbs": return try await allDatabases(context)
      case "_dbs_info": return try await databasesInfo(context)
      case "_up": return try await up(context)
      case "_uuids": return try await uuids(context)
      case "_session": return try await session(context)
      case "_active_tasks": return try await activeTasks(context)
      case "_replicate": return try await replicate(context)
      case "favicon.ico": return favicon
      default: break
      }
    }
    if isServerPath(first) { throw PouchError(.notImplemented) }
    if path.count == 1 { return try await database(first, context) }
    return try await dispatch(path[1...], in: context.database(first))
  }

  /// Parts of CouchDB that are not here.
  private func isServerPath(_ first: String) -> Bool {
    switch first {
    case "_node", "_scheduler", "_cluster_setup", "_membership", "_reshard", "_utils", "_users", "_replicator",
      "_global_changes", "_db_updates", "_search_analyze", "_nouveau_analyze":
      true
    default: false
    }
  }

  /// Finds the route of a path within a database.
  private func dispatch(_ path: ArraySlice<String>, in context: DatabaseContext) async throws -> Response {
    let first = path.first ?? ""
    let rest = path.dropFirst()
    guard first.utf8.first == 0x5F else {
      return try await documentOrAttachment(DocumentID(first), rest, context)
    }
    switch (first, rest.count) {
    case ("_all_docs", 0): return try await allDocs(context)
    case ("_all_docs", 1) where rest.first == "queries": return try await allDocsQueries(context)
    case ("_design_docs", 0): return try await designDocs(context)
    case ("_design_docs", 1) where rest.first == "queries": return try await designDocsQueries(context)
    case ("_local_docs", 0): return try await localDocs(context)
    case ("_local_docs", 1) where rest.first == "queries": return try await localDocsQueries(context)
    case ("_bulk_docs", 0): return try await bulkDocs(context)
    case ("_bulk_get", 0): return try await bulkGet(context)
    case ("_changes", 0): return try await changes(context)
    case ("_revs_diff", 0): return try await revsDiff(context)
    case ("_missing_revs", 0): return try await missingRevs(context)
    case ("_revs_limit", 0): return try await revsLimit(context)
    case ("_compact", _): return try await compact(context)
    case ("_purge", 0): return try await purge(context)
    case ("_ensure_full_commit", 0): return try await ensureFullCommit(context)
    case ("_security", 0): return try await security(context)
    case ("_find", 0): return try await find(context)
    case ("_explain", 0): return try await explain(context)
    case ("_index", _): return try await index(rest, context)
    case ("_local", 1...): return try await local(DocumentID("_local/" + rest.joined(separator: "/")), context)
    case ("_design", 1...):
      guard let name = rest.first else { break }
      return try await design(DocumentID("_design/" + name), rest.dropFirst(), context)
    case ("_view_cleanup", 0): return try await viewCleanup(context)
    case ("_temp_view", 0):
      try await context.authorize(.readInfo)
      throw PouchError(.gone, "Temporary views are not supported in CouchDB")
    case ("_search_cleanup", 0), ("_nouveau_cleanup", 0), ("_purged_infos_limit", 0), ("_shards", _),
      ("_sync_shards", 0), ("_partition", _), ("_auto_purge", 0), ("_purged_infos", 0), ("_time_seq", 0):
      try await context.authorize(.readInfo)
      throw PouchError(.notImplemented)
    default: break
    }
    return try await documentOrAttachment(DocumentID(first), rest, context)
  }

  private func documentOrAttachment(
    _ id: DocumentID, _ rest: ArraySlice<String>, _ context: DatabaseContext
  ) async throws -> Response {
    if rest.isEmpty { return try await document(id, context) }
    return try await attachment(rest.joined(separator: "/"), of: id, context)
  }

  /// `_design/NAME` and what lies below it: views and the like, or attachments.
  private func design(
    _ id: DocumentID, _ rest: ArraySlice<String>, _ context: DatabaseContext
  ) async throws -> Response {
    switch rest.first {
    case "_view", "_info", "_show", "_list", "_update", "_rewrite", "_search", "_search_info", "_nouveau":
      try await context.authorize(.readDocuments)
      // What is not there is told as CouchDB tells it.
      _ = try await context.database.get(id, GetOptions())
      throw PouchError(.notImplemented)
    default: return try await documentOrAttachment(id, rest, context)
    }
  }
}
