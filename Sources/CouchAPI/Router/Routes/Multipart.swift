import PouchCore

extension Router {
  /// `GET /db/doc?open_revs=…` as `multipart/mixed`.
  func multipartOpenRevisions(
    _ revisions: [OpenRevision], of id: DocumentID, _ context: DatabaseContext
  ) async throws -> Response {
    throw PouchError(.notImplemented)
  }

  /// `GET /db/doc?attachments=true` as `multipart/related`. The attachments that are asked for are streams, in stored
  /// form.
  func multipartDocument(_ document: Document, _ context: DatabaseContext) async throws -> Response {
    throw PouchError(.notImplemented)
  }

  /// The document of `PUT /db/doc` with a body of `multipart/related`, its `follows` attachments as streams that read
  /// the body. Its id is that of the path.
  func documentOfMultipart(_ id: DocumentID, _ context: DatabaseContext) async throws -> Document {
    throw PouchError(.notImplemented)
  }

  /// `_bulk_get` as `multipart/mixed` or `multipart/related`; `BulkGetPages` reads the entries page by page.
  func multipartBulkGet(
    _ entries: [BulkGetEntry], _ options: GetOptions, _ context: DatabaseContext
  ) async throws -> Response {
    throw PouchError(.notImplemented)
  }
}
