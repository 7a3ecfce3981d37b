import HTTPTypes
import PouchCore

extension Router {
  /// `POST /db/_revs_diff`
  func revsDiff(_ context: DatabaseContext) async throws -> Response {
    var writer = JSONWriter()
    writer.raw(byte: 0x7B)
    writer.writeList(try await differences(context)) { writer, difference in
      writer.write(difference.key.text)
      writer.raw(":{\"missing\":[")
      writer.writeList(difference.value.missing) { $0.write($1) }
      writer.raw(byte: 0x5D)
      if !difference.value.possibleAncestors.isEmpty {
        writer.raw(",\"possible_ancestors\":[")
        writer.writeList(difference.value.possibleAncestors) { $0.write($1) }
        writer.raw(byte: 0x5D)
      }
      writer.raw(byte: 0x7D)
    }
    writer.raw(byte: 0x7D)
    return Response(encoded: writer.bytes)
  }

  /// `POST /db/_missing_revs`
  func missingRevs(_ context: DatabaseContext) async throws -> Response {
    var writer = JSONWriter()
    writer.raw("{\"missing_revs\":{")
    writer.writeList(try await differences(context)) { writer, difference in
      writer.write(difference.key.text)
      writer.raw(":[")
      writer.writeList(difference.value.missing) { $0.write($1) }
      writer.raw(byte: 0x5D)
    }
    writer.raw("}}")
    return Response(encoded: writer.bytes)
  }

  private func differences(_ context: DatabaseContext) async throws -> [DocumentID: RevisionsDiff] {
    try await context.authorize(.compareRevisions)
    try context.allow(.post)
    try context.request.requireJSON()
    let revisions = try await revisionsByDocument(context)
    return try await context.database.revsDiff(Dictionary(revisions, uniquingKeysWith: +))
  }

  /// The body `{"ID": ["REV", …], …}`.
  func revisionsByDocument(_ context: DatabaseContext) async throws -> [(DocumentID, [RevisionID])] {
    let body = try await context.request.jsonObject(upTo: context.limits.requestBody)
    return try (body.object ?? [:]).map { name, revisions in
      (DocumentID(name.string), try RevisionID.list(revisions, limit: context.limits.namedRevisions))
    }
  }
}
