import HTTPTypes
public import PouchCore
import Synchronization

extension RemoteDatabase {
  @concurrent
  public func bulkGet(_ requests: [BulkGetRequest], _ options: GetOptions) async throws -> [BulkGetResult] {
    try checkOpen()
    var results: [BulkGetResult] = []
    results.reserveCapacity(requests.count)
    var rest = requests[...]
    var bytes = 0
    while !rest.isEmpty {
      // How much comes is only known afterwards: a little too much, or by several requests.
      let wanted = min(options.byteLimit.map { $0 - bytes } ?? .max, RemoteTuning.pageBytes)
      if wanted <= 0, !results.isEmpty { break }
      let expected = traits.withLock { $0.documents(in: max(1, wanted)) }
      let part = rest.prefix(min(expected, RemoteTuning.bulkGetCount))
      rest = rest[part.endIndex...]
      let came = try await bulkGet(part, options)
      bytes += learn(from: came)
      results += came
    }
    return results
  }

  /// Notes how large the documents are that came.
  /// - Returns: the bytes of all of them.
  private func learn(from results: [BulkGetResult]) -> Int {
    var bytes = 0
    var count = 0
    for result in results {
      guard case .success(let found) = result.outcome else { continue }
      for case .found(let document) in found {
        bytes += document.body.bytes.count
        count += 1
      }
    }
    traits.withLock { $0.learn(bytes: bytes, of: count) }
    return bytes
  }

  /// One request, or several if its answer is too large or the server does not know it.
  private func bulkGet(_ requests: ArraySlice<BulkGetRequest>, _ options: GetOptions) async throws -> [BulkGetResult] {
    guard traits.withLock(\.hasBulkGet) else { return try await getOneByOne(requests, options) }
    do {
      return try await askInBulk(requests, options)
    } catch let error as PouchError where error.isOfOversizedAnswer {
      guard requests.count > 1 else { return requests.map { BulkGetResult(id: $0.id, outcome: .failure(error)) } }
      let middle = requests.startIndex + requests.count / 2
      return try await bulkGet(requests[..<middle], options) + bulkGet(requests[middle...], options)
    } catch let error as PouchError where error.isOfUnknownRequest {
      let results = try await getOneByOne(requests, options)
      traits.withLock { $0.hasBulkGet = false }
      return results
    }
  }

  private func askInBulk(
    _ requests: ArraySlice<BulkGetRequest>, _ options: GetOptions
  ) async throws -> [BulkGetResult] {
    var query: Query = ["attachments": "false", "att_encoding_info": "true"]
    let needsRevisions = requests.contains { AnsweredDocuments(self, self.options(of: $0, options)).needsRevisions }
    if needsRevisions { query["revs"] = "true" }
    if options.lookup == .latest { query["latest"] = "true" }
    let answer = try await client.json(
      request(.post, ["_bulk_get"], query: query, json: BulkGetText.request(requests)), .harmless)
    guard let list = answer["results"], list.isArray else { throw nonsense("results") }
    let found = try BulkGetText.answers(list, to: requests)
    var results: [BulkGetResult] = []
    results.reserveCapacity(requests.count)
    for (request, slices) in zip(requests, found) {
      let outcome = outcome(of: request, slices, self.options(of: request, options))
      guard case .success(let revisions) = outcome else {
        results.append(BulkGetResult(id: request.id, outcome: outcome))
        continue
      }
      let complete = try await withFacts(revisions, of: request.id, self.options(of: request, options))
      results.append(BulkGetResult(id: request.id, outcome: .success(complete)))
    }
    return results
  }

  private func options(of request: BulkGetRequest, _ options: GetOptions) -> GetOptions {
    var options = options
    options.revision = request.revision
    options.attachmentsSince = request.attachmentsSince ?? options.attachmentsSince
    return options
  }

  private func outcome(
    of request: BulkGetRequest, _ slices: [JSONSlice], _ options: GetOptions
  ) -> Result<[OpenRevision], PouchError> {
    let documents = AnsweredDocuments(self, options)
    var found: [OpenRevision] = []
    for slice in slices {
      if let text = slice["ok"] {
        do throws(PouchError) {
          found.append(.found(try documents.document(text, of: request.id)))
        } catch {
          return .failure(error)
        }
      } else {
        let error = slice["error"].flatMap { ErrorAnswer.error(in: $0) } ?? nonsense("docs")
        guard error.code == .notFound, let revision = request.revision else { return .failure(error) }
        found.append(.missing(revision))
      }
    }
    guard !found.isEmpty else { return .failure(nonsense("docs")) }
    return .success(found)
  }

  /// For servers without `_bulk_get`.
  private func getOneByOne(
    _ requests: ArraySlice<BulkGetRequest>, _ options: GetOptions
  ) async throws -> [BulkGetResult] {
    try await concurrently(Array(requests), atMost: RemoteTuning.concurrency) { request in
      let which = request.revision.map { OpenRevisions.these([$0]) } ?? .all
      do {
        var single = self.options(of: request, options)
        single.revision = nil
        let found = try await self.openRevisions(of: request.id, which, single)
        return BulkGetResult(id: request.id, outcome: .success(found))
      } catch let error as PouchError where error.code == .notFound && !error.isOfMissingDatabase {
        return BulkGetResult(id: request.id, outcome: .failure(error))
      } catch let error as PouchError where error.isOfOversizedAnswer {
        return BulkGetResult(id: request.id, outcome: .failure(error))
      }
    }
  }
}

/// The JSON of `_bulk_get`.
enum BulkGetText {
  static func request(_ requests: ArraySlice<BulkGetRequest>) -> JSONText {
    var writer = JSONWriter()
    writer.raw("{\"docs\":[")
    writer.writeList(requests) { writer, request in
      writer.raw("{\"id\":")
      writer.write(request.id.text)
      if let revision = request.revision {
        writer.raw(",\"rev\":")
        writer.write(revision)
      }
      writer.raw(byte: 0x7D)
    }
    writer.raw("]}")
    return JSONText(stored: writer.bytes)
  }

  /// What an answer has for each request.
  ///
  /// CouchDB answers in the order of the requests; PouchDB Server has one entry for each document, with all of its
  /// revisions that were asked for.
  static func answers(_ list: JSONSlice, to requests: ArraySlice<BulkGetRequest>) throws(PouchError) -> [[JSONSlice]] {
    var entries: [(id: String, slices: [JSONSlice])] = []
    for element in list.elements {
      guard entries.count < requests.count else {
        throw PouchError(.badResponse, "The server answers more than it was asked.")
      }
      entries.append((element["id"]?.string ?? "", Array(element["docs"]?.elements ?? .none)))
    }
    let isInOrder =
      entries.count == requests.count
      && zip(entries, requests).allSatisfy { ExactString($0.id) == $1.id.name }
    if isInOrder { return entries.map(\.slices) }
    var byID: [ExactString: [JSONSlice]] = [:]
    for entry in entries { byID[ExactString(entry.id), default: []] += entry.slices }
    return requests.map { request in
      let slices = byID[request.id.name] ?? []
      guard let revision = request.revision else { return slices }
      return slices.filter { belongs($0, to: revision) }
    }
  }

  /// Whether a slice is about a revision, or about one that came of it.
  private static func belongs(_ slice: JSONSlice, to revision: RevisionID) -> Bool {
    let name = revision.description
    if slice["error"]?["rev"]?.string == name || slice["ok"]?["_rev"]?.string == name { return true }
    guard let revisions = slice["ok"]?["_revisions"], let start = revisions["start"]?.int,
      start > revision.generation, let ids = revisions["ids"]
    else { return false }
    for (index, id) in ids.elements.enumerated() where index == start - revision.generation {
      return id.string == revision.suffix
    }
    return false
  }
}
