import Crypto
import HTTPTypes
import PouchCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where an attachment is read, and in which form.
struct AttachmentLocation: Sendable {
  let path: [String]
  let revision: RevisionID?
  let form: AttachmentForm

  /// - Parameter range: which bytes of the form are wanted, with the offset of the last one if not all of the rest are.
  func request(from start: Int64 = 0, through end: Int64? = nil) -> Request {
    var request = Request(
      .get, path, headers: [.accept: "*/*", .acceptEncoding: form == .stored ? "gzip" : "identity"])
    if let revision { request.query["rev"] = revision.description }
    if start > 0 || end != nil {
      request.headers[.range] = "bytes=\(start)-\(end.map(String.init) ?? "")"
    }
    return request
  }
}

/// What is known of an attachment's bytes before they come.
struct AttachmentExpectation: Sendable {
  var encoding: Attachment.Encoding?
  /// How many bytes the form has that is read.
  var length: Int64?
  /// `md5-` and base64, of the stored form; not looked at if it is of another kind.
  var digest: String?
}

/// The response to a request for an attachment.
struct AttachmentResponse: Sendable {
  let response: Response

  var isPartial: Bool { response.status.code == 206 }
  var encoding: Attachment.Encoding? { response.headers[.contentEncoding] == "gzip" ? .gzip : nil }
  /// Compressed attachments are delivered uncompressed as a whole only, which CouchDB says by this.
  var isOfConvertedForm: Bool { response.headers[.acceptRanges] == "none" && encoding == nil }
  var contentLength: Int64? { response.headers[.contentLength].flatMap(Int64.init) ?? response.body.length }

  /// The digest that the entity tag of an attachment is, in CouchDB.
  var digest: String? {
    guard let tag = response.headers[.eTag], tag.utf8.count <= RemoteLimits.reason else { return nil }
    let text = tag.hasPrefix("\"md5-") ? tag.dropFirst(5).dropLast() : tag.dropFirst().dropLast()
    guard Data(base64Encoded: String(text))?.count == Insecure.MD5.byteCount else { return nil }
    return "md5-\(text)"
  }

  /// The first byte and the number of all of them, of a partial response.
  var contentRange: (bytes: Range<Int64>, total: Int64)? {
    guard let value = response.headers[.contentRange], value.hasPrefix("bytes ") else { return nil }
    let numbers = value.dropFirst(6).split(whereSeparator: { $0 == "-" || $0 == "/" }).map { Int64($0) }
    guard numbers.count == 3, let first = numbers[0], let last = numbers[1], let total = numbers[2], first >= 0,
      first <= last, last < total
    else { return nil }
    return (first..<last + 1, total)
  }
}

/// One reading of an attachment from a server. It takes up a download that broke off where it ended, and checks the
/// bytes against what is known of them.
struct AttachmentReading {
  private let client: RemoteClient
  private let location: AttachmentLocation
  private var expected: AttachmentExpectation
  /// The first byte that is wanted and the one after the last, if not all are.
  private let range: Range<Int64>?
  /// How many of the wanted bytes were delivered, or are not asked for.
  private var delivered: Int64
  private var source: ByteStream.AsyncIterator?
  /// How many bytes that come are to be dropped, since the server began further ahead than it was asked.
  private var surplus: Int64 = 0
  private var md5: Insecure.MD5?
  private var isFinished = false
  private var breaks = 0
  private var deliveredAtBreak: Int64 = 0

  /// The bytes of an attachment, asked for when they are first pulled; anew with each iteration, and from any offset.
  static func stream(
    _ client: RemoteClient, _ location: AttachmentLocation, expecting expected: AttachmentExpectation
  ) -> ByteStream {
    ByteStream(seekable: { offset in
      var reading = AttachmentReading(client, location, expecting: expected, from: offset)
      return { try await reading.next() }
    })
  }

  /// - Parameters:
  ///   - range: which bytes are wanted, if not all.
  ///   - offset: how many of the wanted bytes are there already. Of parts the digest cannot be checked.
  ///   - opened: a response that is there already, and how many of its bytes are not wanted.
  init(
    _ client: RemoteClient, _ location: AttachmentLocation, expecting expected: AttachmentExpectation,
    range: Range<Int64>? = nil, from offset: Int64 = 0, opened: (response: Response, surplus: Int64)? = nil
  ) {
    self.client = client
    self.location = location
    self.expected = expected
    self.range = range
    delivered = offset
    if range == nil, offset == 0, let digest = expected.digest, digest.hasPrefix("md5-") { md5 = Insecure.MD5() }
    if let opened {
      source = opened.response.body.stream.makeAsyncIterator()
      surplus = opened.surplus
    }
  }

  /// How many bytes are to be delivered, if known.
  private var total: Int64? { range.map { $0.upperBound - $0.lowerBound } ?? expected.length }

  mutating func next() async throws -> [UInt8]? {
    while !isFinished {
      if let total, delivered >= total { return try await finish() }
      do {
        if source == nil { try await open() }
        if let piece = try await source?.next(isolation: #isolation) {
          if let bytes = try take(piece) { return bytes }
        } else if let total, delivered < total {
          throw PouchError(.badResponse, "The attachment was cut short.")
        } else {
          return try await finish()
        }
      } catch let error as PouchError where error.code.isTransient && !error.isOfWrongAttachment {
        try await resume(after: error)
      }
    }
    return nil
  }

  private mutating func open() async throws {
    let base = range?.lowerBound ?? 0
    let start = base + delivered
    let response = AttachmentResponse(
      response: try await client.open(location.request(from: start, through: range.map { $0.upperBound - 1 })))
    guard response.encoding == expected.encoding else {
      throw PouchError.wrongAttachment("is not in the form in which it is stored")
    }
    if let own = response.digest, let digest = expected.digest, digest.hasPrefix("md5-"), own != digest,
      !response.isOfConvertedForm
    {
      throw PouchError.wrongAttachment("has changed")
    }
    if response.isOfConvertedForm { md5 = nil }
    if response.isPartial {
      guard let given = response.contentRange, given.bytes.lowerBound == start else {
        throw PouchError.wrongAttachment("comes in another range than was asked for")
      }
      surplus = 0
    } else {
      surplus = start
      if range == nil, let length = response.contentLength {
        if let known = expected.length, known != length { throw PouchError.wrongAttachment("has another length") }
        expected.length = length
      }
    }
    source = response.response.body.stream.makeAsyncIterator()
  }

  /// What of a piece is wanted.
  private mutating func take(_ piece: [UInt8]) throws -> [UInt8]? {
    var wanted = piece[...]
    let dropped = min(surplus, Int64(piece.count))
    surplus -= dropped
    wanted = wanted.dropFirst(Int(dropped))
    if let total, Int64(wanted.count) > total - delivered {
      guard range != nil else { throw PouchError.wrongAttachment("is longer than it should be") }
      wanted = wanted.prefix(Int(total - delivered))
    }
    guard !wanted.isEmpty else { return nil }
    delivered += Int64(wanted.count)
    let bytes = wanted.count == piece.count ? piece : Array(wanted)
    md5?.update(data: bytes)
    return bytes
  }

  private mutating func finish() async throws -> [UInt8]? {
    if range == nil, let extra = try? await source?.next(isolation: #isolation), !extra.isEmpty {
      throw PouchError.wrongAttachment("is longer than it should be")
    }
    isFinished = true
    source = nil
    guard let md5, let digest = expected.digest else { return nil }
    guard Data(md5.finalize()).base64EncodedString() == digest.dropFirst(4) else {
      throw PouchError.wrongAttachment("does not match its digest")
    }
    return nil
  }

  /// Prepares to go on after a failure.
  /// - Throws: the failure, after too many of them.
  private mutating func resume(after error: PouchError) async throws {
    if delivered - deliveredAtBreak >= RemoteTuning.resumeProgress { breaks = 0 }
    guard breaks < RemoteTuning.resumptions else { throw error }
    deliveredAtBreak = delivered
    source = nil
    try await client.pause(after: breaks, error.retryAfter)
    breaks += 1
  }
}

/// The bytes are not those of the attachment; asking again would not help.
private struct WrongAttachment: Error {}

extension PouchError {
  fileprivate static func wrongAttachment(_ what: String) -> PouchError {
    PouchError(.badResponse, "The attachment that the server delivers \(what).", underlying: WrongAttachment())
  }

  fileprivate var isOfWrongAttachment: Bool { underlying is WrongAttachment }
}
