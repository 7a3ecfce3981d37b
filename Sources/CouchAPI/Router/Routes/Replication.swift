import HTTPTypes
import PouchCore

extension Router {
  /// `GET /_active_tasks`
  func activeTasks(_ context: Context) async throws -> Response {
    try await context.authorize(.listTasks)
    try context.allow(.get, .head)
    var tasks = await options.replication?.activeTasks() ?? []
    for name in try await databases.compacting() {
      tasks.append(["type": "database_compaction", "database": JSON(name)])
    }
    return Response(json: .array(tasks))
  }

  /// `POST /_replicate`
  func replicate(_ context: Context) async throws -> Response {
    try await context.authorize(.replicate)
    try context.allow(.post)
    try context.request.requireJSON()
    let request = try await context.request.jsonObject(upTo: context.limits.requestBody)
    guard let service = options.replication else {
      throw PouchError(.notImplemented, "This server does not replicate by itself.")
    }
    let answer = try await service.replicate(request, by: context.principal)
    // One that goes on by itself has only been accepted.
    let isStarted = request["continuous"]?.bool == true && request["cancel"]?.bool != true
    return Response(isStarted ? .accepted : .ok, json: answer)
  }
}
