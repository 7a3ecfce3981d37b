import CouchAPI
import Crypto
import Foundation
import PouchCore
import PouchReplication

/// The replications that a server runs because `_replicate` asked for them (CouchDB documentation, `POST /_replicate`).
///
/// They end with the server. Databases are named by their names on this server or by URLs; never by paths.
actor Replications: ReplicationService {
  private struct Running {
    let replication: Replication
    let task: Task<ReplicationResult, any Error>
    let request: ReplicationRequest
    let user: String?
    let start: Date
  }

  private let databases: any DatabaseSet
  private var running: [String: Running] = [:]

  init(_ databases: any DatabaseSet) {
    self.databases = databases
  }

  func replicate(_ json: JSON, by principal: Principal) async throws -> JSON {
    if json["cancel"]?.bool == true { return try cancel(json) }
    let request = try ReplicationRequest(json)
    let entry = if let entry = running[request.id] { entry } else { try await start(request, by: principal) }
    if request.options.mode == .live { return ["ok": true, "_local_id": JSON(request.id)] }
    let result = try await withTaskCancellationHandler {
      try await entry.task.value
    } onCancel: {
      entry.replication.cancel()
    }
    return ReplicationRequest.answer(to: result, started: entry.start, ended: Date())
  }

  func activeTasks() -> [JSON] {
    running.sorted { $0.value.start < $1.value.start }.map { id, entry in
      entry.request.task(id, entry.replication.status, user: entry.user, start: entry.start)
    }
  }

  /// Ends all of them.
  func end() async {
    let entries = running.values
    for entry in entries { entry.replication.cancel() }
    for entry in entries { _ = await entry.task.result }
  }

  private func cancel(_ json: JSON) throws -> JSON {
    let id = try (json["_local_id"] ?? json["replication_id"])?.string ?? ReplicationRequest(json).id
    guard let entry = running[id] else { throw PouchError(.notFound, "No such replication.") }
    entry.replication.cancel()
    return ["ok": true, "_local_id": JSON(id)]
  }

  private func start(_ request: ReplicationRequest, by principal: Principal) async throws -> Running {
    let source = try await open(request.source)
    let target: OpenedDatabase
    do {
      target = try await open(request.target, creating: request.createsTarget)
    } catch {
      await source.close()
      throw error
    }
    // Another request for the same may have come first.
    if let other = running[request.id] {
      await source.close()
      await target.close()
      return other
    }
    let replication = Replication(from: source.database, to: target.database, request.options)
    let task = Task {
      defer { self.running[request.id] = nil }
      let outcome: Result<ReplicationResult, any Error>
      do {
        outcome = .success(try await replication.run())
      } catch {
        outcome = .failure(error)
      }
      await source.close()
      await target.close()
      return try outcome.get()
    }
    let entry = Running(
      replication: replication, task: task, request: request, user: principal.name, start: Date())
    running[request.id] = entry
    return entry
  }

  private func open(_ end: ReplicationRequest.End, creating isCreated: Bool = false) async throws -> OpenedDatabase {
    switch end {
    case .here(let name):
      if isCreated {
        do {
          try await databases.create(name)
        } catch let error as PouchError where error.code == .databaseExists {}
      }
      return OpenedDatabase(shared: try await databases.database(name))
    case .url(let url, let credentials):
      let opened = try OpenedDatabase(url: url, credentials: credentials)
      if isCreated { try await opened.createIfMissing() }
      return opened
    }
  }
}
