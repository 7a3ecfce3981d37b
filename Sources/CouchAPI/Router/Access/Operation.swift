/// What a request is about to do, as an ``AccessPolicy`` sees it. Every route names one before it acts.
public enum Operation: Sendable, Hashable {
  // MARK: On the server

  /// `GET /`, `_up`, `_uuids`, `_session`: what says nothing about databases.
  case greet
  /// `_all_dbs`, `_dbs_info`.
  case listDatabases
  case createDatabase
  case destroyDatabase
  /// `_active_tasks`.
  case listTasks
  /// `_replicate`.
  case replicate

  // MARK: On a database

  /// `GET /db` and what tells of the database as a whole.
  case readInfo
  /// `_all_docs`, `_design_docs`.
  case listDocuments
  /// `_changes`.
  case readChanges
  /// Documents and attachments, `_bulk_get`.
  case readDocuments
  /// `_find`, `_explain`.
  case findDocuments
  /// `_revs_diff`, `_missing_revs`: which revisions are here.
  case compareRevisions
  /// Documents and attachments, `_bulk_docs`.
  case writeDocuments
  /// Documents whose ids start with `_design/`: they are code.
  case writeDesignDocuments
  /// `_local/` documents: checkpoints.
  case readLocalDocuments
  case writeLocalDocuments
  /// `_local_docs`: the local documents of everybody.
  case listLocalDocuments
  case readSecurity
  case writeSecurity
  /// `_compact`, `PUT _revs_limit`: upkeep that changes no document.
  case maintain
  /// `_purge`.
  case purge
  /// `_ensure_full_commit`: writes nothing, but is asked by those who write.
  case synchronize
}
