import HTTPTypes
public import PouchCore
import Synchronization

extension RemoteDatabase {
  @concurrent
  public func getAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID?, range: AttachmentRange?, form: AttachmentForm
  ) async throws -> AttachmentDownload {
    try checkOpen()
    try check(name, of: id)
    if let range { _ = try range.resolved(length: .max) }
    let location = AttachmentLocation(
      path: path + segments(of: id) + [name], revision: revision, form: form)
    var request = location.request()
    request.headers[.range] = range?.header
    let response = AttachmentResponse(response: try await client.open(request))
    guard form == .stored || response.encoding == nil else { throw nonsense("Content-Encoding") }
    let (wanted, total) = try await wanted(range, response, location)
    return download(response, location, range, wanted, of: total)
  }

  /// Which bytes are delivered, and how many there are in all.
  private func wanted(
    _ range: AttachmentRange?, _ response: AttachmentResponse, _ location: AttachmentLocation
  ) async throws -> (range: Range<Int64>, total: Int64) {
    if response.isPartial {
      guard range != nil, let given = response.contentRange else { throw nonsense("Content-Range") }
      return (given.bytes, given.total)
    }
    guard let total = response.contentLength, total >= 0 else { throw nonsense("Content-Length") }
    // The server has ignored the range. That of a compressed attachment does not count; others are cut out here.
    guard let range, !response.isOfConvertedForm else { return (0..<total, total) }
    return (try range.resolved(length: total), total)
  }

  private func download(
    _ response: AttachmentResponse, _ location: AttachmentLocation, _ asked: AttachmentRange?,
    _ wanted: Range<Int64>, of total: Int64
  ) -> AttachmentDownload {
    var attachment = Attachment(
      .stub, contentType: response.response.headers[.contentType] ?? "application/octet-stream",
      digest: response.digest)
    attachment.encoding = response.encoding
    if response.encoding == nil { attachment.length = total } else { attachment.encodedLength = total }
    let expected = AttachmentExpectation(
      encoding: response.encoding, length: total, digest: response.isOfConvertedForm ? nil : response.digest)
    let part = asked == nil || wanted == 0..<total ? nil : wanted
    let surplus = response.isPartial ? 0 : wanted.lowerBound
    // The response that is there serves the first reading; further ones ask anew.
    let first = FirstResponse(response.response)
    let content = ByteStream(seekable: { offset in
      let opened = offset == 0 ? first.take().map { (response: $0, surplus: surplus) } : nil
      var reading = AttachmentReading(
        self.client, location, expecting: expected, range: part, from: offset, opened: opened)
      return { try await reading.next() }
    })
    return AttachmentDownload(attachment: attachment, range: wanted, content: content)
  }

  @concurrent
  @discardableResult
  public func putAttachment(
    _ name: String, _ attachment: Attachment, to id: DocumentID, at revision: RevisionID?
  ) async throws -> RevisionID {
    try checkOpen()
    try check(name, of: id)
    var request = request(.put, segments(of: id) + [name])
    if let revision { request.query["rev"] = revision.description }
    request.headers[.contentType] = attachment.contentType
    if let encoding = attachment.encoding { request.headers[.contentEncoding] = encoding.rawValue }
    if let digest = attachment.digest, digest.hasPrefix("md5-") {
      request.headers[.contentMD5] = String(digest.dropFirst(4))
    }
    switch attachment.content {
    case .data(let bytes): request.body = .bytes(bytes)
    case .stream(let stream):
      request.body = .stream(stream, length: attachment.encoding == nil ? attachment.length : attachment.encodedLength)
    case .stub:
      // Only a document can refer to content that is there.
      var document = Document(id: id)
      if let revision { document = try await get(id, GetOptions(at: revision)) }
      document.attachments[ExactString(name)] = attachment
      return try await put(document)
    }
    return try await writtenRevision(request)
  }

  @concurrent
  @discardableResult
  public func removeAttachment(
    _ name: String, of id: DocumentID, at revision: RevisionID
  ) async throws -> RevisionID {
    try checkOpen()
    try check(name, of: id)
    return try await writtenRevision(
      request(.delete, segments(of: id) + [name], query: ["rev": revision.description]))
  }

  /// Sends a request that makes a revision, which the answer tells.
  private func writtenRevision(_ request: Request) async throws -> RevisionID {
    let answer = try await client.json(request, .harmful, upTo: RemoteLimits.errorAnswer)
    guard let text = answer["rev"]?.string, let revision = try? RevisionID(text) else { throw nonsense("rev") }
    return revision
  }

  private func check(_ name: String, of id: DocumentID) throws(PouchError) {
    try id.validate()
    guard fitsPath(id), !name.isEmpty, name != ".", name != "..", name.utf8.count <= Limits.attachmentName else {
      throw PouchError(.badRequest, "The id or the attachment's name cannot be put into a path.")
    }
  }
}

/// A response that serves the first of several readings.
private final class FirstResponse: Sendable {
  private let response: Mutex<Response?>

  init(_ response: Response) {
    self.response = Mutex(response)
  }

  func take() -> Response? {
    response.withLock { response in
      defer { response = nil }
      return response
    }
  }
}

extension AttachmentRange {
  /// The value of `Range`.
  fileprivate var header: String {
    switch self {
    case .from(let start): "bytes=\(start)-"
    case .bytes(let bytes): "bytes=\(bytes.lowerBound)-\(bytes.upperBound - 1)"
    case .suffix(let count): "bytes=-\(count)"
    }
  }
}

extension HTTPField.Name {
  /// The digest of a body: RFC 1864.
  fileprivate static let contentMD5 = HTTPField.Name("Content-MD5")!
}
