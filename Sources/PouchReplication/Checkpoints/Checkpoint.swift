import PouchCore

/// How far a replication came: the content of the `_local/` document that both databases keep.
///
/// It is written in the form that CouchDB's replicator writes, with PouchDB's names for the same things beside
/// CouchDB's, and read in either form.
struct Checkpoint: Sendable, Equatable {
  /// What is known of one session: a run of a replication.
  struct Session: Sendable, Equatable {
    let id: String
    /// Everything up to here was acknowledged by the target in this session.
    var recorded: UpdateSequence
    var start = UpdateSequence.start
    var startTime = ""
    var endTime = ""
    var counts = ReplicationCounts()
  }

  /// Which databases hold the checkpoint.
  enum Reach: Sendable, Equatable {
    case both
    /// The source refused it; the target's says so, and is trusted alone.
    case targetOnly
  }

  /// The sessions, the newest first.
  var sessions: [Session]
  var reach = Reach.both

  /// CouchDB's version of the form.
  private static let formVersion: JSON = 4
  /// PouchDB's version of the form.
  private static let pouchDBVersion: JSON = 1

  /// The newest session.
  var newest: Session? { sessions.first }

  /// Older sessions to keep with a new one: without it, and bounded.
  func history(without session: String) -> [Session] {
    Array(sessions.filter { $0.id != session }.prefix(ReplicationTuning.historyEntries - 1))
  }
}

// MARK: - Reading

extension Checkpoint {
  /// Reads what some replicator wrote. Entries that make no sense are left out.
  /// - Returns: `nil` if nothing of it is a checkpoint.
  init?(_ fields: JSON.Object) {
    sessions = (fields["history"]?.array ?? []).prefix(ReplicationTuning.historyEntries).compactMap(Session.init)
    if let id = Session.id(fields["session_id"]),
      let recorded = Session.position(fields["source_last_seq"] ?? fields["last_seq"])
    {
      // The document's own members count, should its history say something else about the same session.
      if let own = sessions.firstIndex(where: { $0.id == id }) {
        sessions[own].recorded = recorded
        sessions.insert(sessions.remove(at: own), at: 0)
      } else {
        sessions.insert(Session(id: id, recorded: recorded), at: 0)
      }
    }
    if sessions.isEmpty { return nil }
    if fields["peerpouch"]?["checkpoint"]?.string == "target" { reach = .targetOnly }
  }
}

extension Checkpoint.Session {
  init?(_ json: JSON) {
    guard let id = Self.id(json["session_id"]),
      let recorded = Self.position(json["recorded_seq"] ?? json["last_seq"])
    else { return nil }
    self.init(id: id, recorded: recorded)
    start = Self.position(json["start_last_seq"]) ?? .start
    startTime = Self.time(json["start_time"])
    endTime = Self.time(json["end_time"])
    counts.revisionsChecked = json["missing_checked"]?.int ?? 0
    counts.revisionsMissing = json["missing_found"]?.int ?? 0
    counts.documentsRead = json["docs_read"]?.int ?? 0
    counts.documentsWritten = json["docs_written"]?.int ?? 0
    counts.documentsFailed = json["doc_write_failures"]?.int ?? 0
  }

  fileprivate static func id(_ json: JSON?) -> String? {
    guard let text = json?.string, !text.isEmpty, text.utf8.count <= ReplicationTuning.sessionIDBytes else {
      return nil
    }
    return text
  }

  /// A position of any type: CouchDB's are strings, PouchDB's and old CouchDBs' numbers, BigCouch's arrays.
  fileprivate static func position(_ json: JSON?) -> UpdateSequence? {
    let text: String
    switch json {
    case .string(let string)?: text = string.string
    case .number(let number)?: text = number.text
    case .array?: text = json?.text ?? ""
    default: return nil
    }
    return text.utf8.count <= ReplicationTuning.sequenceBytes ? UpdateSequence(text) : nil
  }

  private static func time(_ json: JSON?) -> String {
    guard let text = json?.string, text.utf8.count <= HTTPDate.length else { return "" }
    return text
  }
}

// MARK: - Writing

extension Checkpoint {
  /// The members of the document.
  var fields: JSON.Object {
    guard let newest else { return JSON.Object() }
    let position = Session.json(newest.recorded)
    var fields: JSON.Object = [
      "session_id": JSON(newest.id), "source_last_seq": position,
      "replication_id_version": Checkpoint.formVersion,
      "history": .array(sessions.prefix(ReplicationTuning.historyEntries).map(\.json)),
      "last_seq": position, "replicator": "peerpouch", "version": Checkpoint.pouchDBVersion,
    ]
    if reach == .targetOnly { fields["peerpouch"] = ["checkpoint": "target"] }
    return fields
  }
}

extension Checkpoint.Session {
  fileprivate var json: JSON {
    let position = Self.json(recorded)
    return [
      "session_id": JSON(id), "start_time": JSON(startTime), "end_time": JSON(endTime),
      "start_last_seq": Self.json(start), "end_last_seq": position, "recorded_seq": position, "last_seq": position,
      "missing_checked": JSON(counts.revisionsChecked), "missing_found": JSON(counts.revisionsMissing),
      "docs_read": JSON(counts.documentsRead), "docs_written": JSON(counts.documentsWritten),
      "doc_write_failures": JSON(counts.documentsFailed),
    ]
  }

  fileprivate static func json(_ position: UpdateSequence) -> JSON {
    position.isStart ? 0 : JSON(position.description)
  }
}
