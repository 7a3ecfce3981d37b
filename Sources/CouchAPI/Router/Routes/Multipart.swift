import HTTPTypes
import PouchCore

extension Router {
  /// `GET /db/doc?open_revs=…` as `multipart/mixed`.
  func multipartOpenRevisions(
    _ revisions: [OpenRevision], of id: DocumentID, _ context: DatabaseContext
  ) async throws -> Response {
    let parts = revisions.map { revision in
      switch revision {
      case .found(let document): MultipartPart(document)
      case .missing(let revision): MultipartPart(error: ["missing": JSON(revision.description)])
      }
    }
    let writer = MultipartWriter()
    return Response(.ok, headers: [.contentType: writer.contentType("mixed")], body: writer.body(of: parts))
  }

  /// `GET /db/doc?attachments=true` as `multipart/related`. The attachments that are asked for are streams, in stored
  /// form.
  func multipartDocument(_ document: Document, _ context: DatabaseContext) async throws -> Response {
    guard let encoded = MultipartDocument.encode(document) else { return Response(encoded: document.encoded) }
    return Response(.ok, headers: [.contentType: encoded.contentType], body: encoded.body)
  }

  /// The document of `PUT /db/doc` with a body of `multipart/related`, its `follows` attachments as streams that read
  /// the body. Its id is that of the path.
  func documentOfMultipart(_ id: DocumentID, _ context: DatabaseContext) async throws -> Document {
    var limits = MultipartLimits.standard
    limits.documentBytes = context.limits.documentBody
    return try await MultipartDocument.decode(
      context.request.body.stream, contentType: context.request.headers[.contentType] ?? "", limits: limits)
  }

  /// `_bulk_get` as `multipart/mixed` or `multipart/related`; `BulkGetPages` reads the entries page by page.
  func multipartBulkGet(
    _ entries: [BulkGetEntry], _ options: GetOptions, _ context: DatabaseContext
  ) async throws -> Response {
    let database = context.database
    let writer = MultipartWriter()
    let body = writer.body {
      var pages = BulkGetPages(entries, options, database)
      var parts: ArraySlice<MultipartPart> = []
      return {
        while parts.isEmpty, let page = try await pages.next() {
          parts = page.flatMap { MultipartPart.parts(of: $0.entry, $0.outcome) }[...]
        }
        return parts.popFirst()
      }
    }
    let subtype = context.request.takes("multipart/mixed") ? "mixed" : "related"
    return Response(.ok, headers: [.contentType: writer.contentType(subtype)], body: body)
  }
}

extension MultipartPart {
  /// A document: multipart itself if it has the bytes of attachments.
  fileprivate init(_ document: Document) {
    if let encoded = MultipartDocument.encode(document) {
      self.init(headers: [.contentType: encoded.contentType], body: encoded.body)
    } else {
      self.init(headers: [.contentType: Response.jsonType], body: .bytes(document.encoded))
    }
  }

  /// What stands in place of a document that is not there.
  fileprivate init(error: JSON) {
    self.init(headers: [.contentType: "application/json; error=\"true\""], body: .bytes(JSONText(error).bytes))
  }

  /// The parts for one entry of `_bulk_get`.
  fileprivate static func parts(
    of entry: BulkGetEntry, _ outcome: Result<[OpenRevision], PouchError>
  ) -> [MultipartPart] {
    func failed(_ revision: JSON, _ error: PouchError) -> MultipartPart {
      MultipartPart(error: [
        "rev": revision, "reason": JSON(error.reason), "id": entry.id.map { JSON($0) } ?? .null,
        "error": JSON(error.name),
      ])
    }
    switch outcome {
    case .failure(let error): return [failed(entry.shownRevision, error)]
    case .success(let revisions):
      return revisions.map { revision in
        switch revision {
        case .found(let document): MultipartPart(document)
        case .missing(let revision): failed(JSON(revision.description), .missing)
        }
      }
    }
  }
}
