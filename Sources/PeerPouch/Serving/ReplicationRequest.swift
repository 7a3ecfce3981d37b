import CouchAPI
import Crypto
import Foundation
import PouchCore
import PouchHTTP
import PouchReplication

/// The body of `POST /_replicate`, checked.
struct ReplicationRequest: Sendable {
  /// A database that is named in it.
  enum End: Sendable {
    /// One of the server's own.
    case here(String)
    /// One elsewhere, by its URL without credentials.
    case url(String, RemoteCredentials?)

    /// How the database is called in answers: never with a password.
    var shown: String {
      switch self {
      case .here(let name): name
      case .url(let url, _): url
      }
    }
  }

  let source: End
  let target: End
  let createsTarget: Bool
  let options: ReplicationOptions
  /// Tells replications apart: those of the same ends and options are the same.
  let id: String

  /// - Throws: ``PouchError/Code/badRequest`` if it makes no sense, ``PouchError/Code/notImplemented`` for filter
  ///   functions.
  init(_ json: JSON) throws(PouchError) {
    source = try ReplicationRequest.end(json["source"], "source")
    target = try ReplicationRequest.end(json["target"], "target")
    createsTarget = json["create_target"]?.bool ?? false
    if let filter = json["filter"]?.string {
      throw PouchError(.notImplemented, "The filter function \(filter) cannot be run; use doc_ids or selector.")
    }
    // What would change what is copied, or by which way, is not left out in silence.
    if json["winning_revs_only"]?.bool == true {
      throw PouchError(.notImplemented, "Winners are not replicated alone; `winning_revs_only` must be left out.")
    }
    for proxy: ExactString in ["source_proxy", "target_proxy"] where json[proxy]?.string?.isEmpty == false {
      throw PouchError(.notImplemented, "There are no proxies here; `\(proxy.string)` must be left out.")
    }
    var options = ReplicationOptions(json["continuous"]?.bool == true ? .live : .once)
    if let list = json["doc_ids"], list != .null {
      guard let ids = list.array, ids.allSatisfy({ $0.string != nil }) else {
        throw PouchError(.badRequest, "`doc_ids` must be an array of strings.")
      }
      options.ids = Set(ids.compactMap { $0.string.map { DocumentID($0) } })
    }
    if let selector = json["selector"], selector != .null {
      options.selector = try Selector(selector, limits: .peers)
    }
    if let since = json["since_seq"], since != .null {
      guard let position = UpdateSequence(since) else { throw PouchError(.badRequest, "`since_seq` is no position.") }
      options.since = .after(position)
    }
    if json["use_checkpoints"]?.bool == false { options.checkpoints = .none }
    self.options = options
    var named: JSON.Object = ["source": JSON(source.shown), "target": JSON(target.shown)]
    for name: ExactString in ["continuous", "create_target", "doc_ids", "selector", "since_seq"] {
      named[name] = json[name]
    }
    id = Hexadecimal.text(Insecure.MD5.hash(data: JSONText(.object(named)).canonicalBytes))
  }

  private static func end(_ json: JSON?, _ member: String) throws(PouchError) -> End {
    guard let json, let text = json.string ?? json["url"]?.string, !text.isEmpty else {
      throw PouchError(.badRequest, "Missing required field: \(member)")
    }
    guard text.contains("://") else {
      guard DatabaseFolder.isName(text) else { throw PouchError(.badRequest, "`\(member)` is no database or URL.") }
      return .here(text)
    }
    var (url, credentials) = try OpenedDatabase.separate(text)
    if let basic = json["auth"]?["basic"], let name = basic["username"]?.string,
      let password = basic["password"]?.string
    {
      credentials = .basic(name: name, password: password)
    }
    if let headers = json["headers"]?.object {
      for (name, value) in headers where name.string.lowercased() == "authorization" {
        guard let header = value.string, let given = RemoteCredentials(authorization: header) else {
          throw PouchError(.badRequest, "`headers` may carry basic authentication and nothing else.")
        }
        credentials = given
      }
    }
    return .url(url, credentials)
  }

  // MARK: Answers

  /// CouchDB's answer to a replication that ran to its end.
  static func answer(to result: ReplicationResult, started: Date, ended: Date) -> JSON {
    let counts = result.counts
    let last = result.lastSequence.map(\.json) ?? 0
    let session = JSON(result.sessionID ?? "")
    var answer: JSON.Object = ["ok": true, "session_id": session, "source_last_seq": last, "replication_id_version": 4]
    if counts.revisionsMissing == 0 { answer["no_changes"] = true }
    answer["history"] = [
      [
        "session_id": session, "start_time": JSON(HTTPDate.text(of: Int(started.timeIntervalSince1970))),
        "end_time": JSON(HTTPDate.text(of: Int(ended.timeIntervalSince1970))),
        "end_last_seq": last, "recorded_seq": last, "missing_checked": JSON(counts.revisionsChecked),
        "missing_found": JSON(counts.revisionsMissing), "docs_read": JSON(counts.documentsRead),
        "docs_written": JSON(counts.documentsWritten), "doc_write_failures": JSON(counts.documentsFailed),
      ]
    ]
    return .object(answer)
  }

  /// An entry of `_active_tasks`.
  func task(_ id: String, _ progress: ReplicationProgress, user: String?, start: Date) -> JSON {
    let counts = progress.counts
    return [
      "type": "replication", "replication_id": JSON(id), "source": JSON(source.shown), "target": JSON(target.shown),
      "continuous": JSON(options.mode == .live), "user": user.map { JSON($0) } ?? .null,
      "docs_read": JSON(counts.documentsRead), "docs_written": JSON(counts.documentsWritten),
      "doc_write_failures": JSON(counts.documentsFailed), "missing_revisions_found": JSON(counts.revisionsMissing),
      "revisions_checked": JSON(counts.revisionsChecked),
      "changes_pending": progress.pending.map { JSON($0) } ?? .null,
      "checkpointed_source_seq": progress.lastSequence.map(\.json) ?? 0,
      "started_on": JSON(Int(start.timeIntervalSince1970)), "updated_on": JSON(Int(Date().timeIntervalSince1970)),
    ]
  }
}

extension RemoteCredentials {
  /// The credentials of an `Authorization` header; `nil` unless it is basic authentication (RFC 7617).
  init?(authorization header: String) {
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic", let data = Data(base64Encoded: String(parts[1])),
      let text = String(validating: data, as: UTF8.self), let colon = text.firstIndex(of: ":")
    else { return nil }
    self = .basic(name: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
  }
}
