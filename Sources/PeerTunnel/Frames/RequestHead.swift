public import CouchAPI
public import HTTPTypes
public import PouchCore

/// The head of a request, as it crosses the wire.
///
/// ```
/// share       4 bytes: the number under which it was opened
/// length      8: of the body; all bits set if it is not known
/// method      1 for its length, and the text
/// target      2 for its length, and the text: path and query in origin form, percent-encoded
/// headers     1 for their number; each has 1 for the length of its name, 2 for that of its value
/// ```
///
/// A binary form, as it is read in one pass by a cursor, has nothing to escape, and takes some 60 bytes for a read.
public struct RequestHead: Sendable, Hashable {
  /// The number of the share within the connection.
  public var share: UInt32
  public var method: HTTPRequest.Method
  /// Path and query (RFC 9112, section 3.2.1); not checked yet.
  public var target: String
  public var headers: HTTPFields
  /// The length of the body in bytes, if known.
  public var length: Int64?

  public init(share: UInt32, _ request: Request) {
    self.share = share
    method = request.method
    target = request.target
    headers = request.headers
    length = request.body.length
  }

  /// The request with a body.
  /// - Throws: ``PouchError/Code/badRequest`` if the target is none.
  public func request(_ body: Body) throws(PouchError) -> Request {
    try Request(method, target: target, headers: headers, body: body)
  }

  init(_ payload: ArraySlice<UInt8>, _ limits: TunnelLimits) throws(ProtocolViolation) {
    var reader = PayloadReader(payload)
    share = try reader.integer()
    length = try BodyLength.read(&reader)
    guard let method = HTTPRequest.Method(String(decoding: try reader.short(), as: UTF8.self)),
      let target = String(validating: try reader.long(), as: UTF8.self)
    else { throw .malformedFrame }
    guard target.utf8.prefix(while: { $0 != 0x3F }).count <= limits.path else { throw .headTooLarge }
    self.method = method
    self.target = target
    headers = try HTTPFields(reading: &reader, limits)
  }

  /// The bytes.
  /// - Throws: ``PouchError/Code/badRequest`` for a head beyond the limits, which a peer would not take.
  func payload(_ limits: TunnelLimits) throws(PouchError) -> [UInt8] {
    guard
      method.rawValue.utf8.count <= UInt8.max, target.utf8.prefix(while: { $0 != 0x3F }).count <= limits.path,
      target.utf8.count <= limits.head
    else { throw PouchError(.badRequest, "The request's path is too long for a peer.") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64 + target.utf8.count)
    bytes.appendInteger(share)
    BodyLength.append(length, to: &bytes)
    bytes.appendShort(method.rawValue.utf8)
    bytes.appendLong(target.utf8)
    try headers.append(to: &bytes, limits)
    return bytes
  }
}

/// The head of a response, as it crosses the wire.
///
/// ```
/// status      2 bytes
/// length      8: of the body; all bits set if it is not known
/// headers     as in RequestHead
/// ```
public struct ResponseHead: Sendable, Hashable {
  public var status: HTTPResponse.Status
  public var headers: HTTPFields
  /// The length of the body in bytes, if known.
  public var length: Int64?

  public init(_ response: Response) {
    status = response.status
    headers = response.headers
    length = response.body.length
  }

  /// The response with a body.
  public func response(_ body: Body) -> Response { Response(status, headers: headers, body: body) }

  init(_ payload: ArraySlice<UInt8>, _ limits: TunnelLimits) throws(ProtocolViolation) {
    var reader = PayloadReader(payload)
    let code = Int(try reader.integer(UInt16.self))
    guard (200...599).contains(code) else { throw .malformedFrame }
    status = HTTPResponse.Status(code: code)
    length = try BodyLength.read(&reader)
    headers = try HTTPFields(reading: &reader, limits)
  }

  /// - Throws: ``PouchError/Code/internalError`` for a head beyond the limits, which a peer would not take.
  func payload(_ limits: TunnelLimits) throws(PouchError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(128)
    bytes.appendInteger(UInt16(clamping: status.code))
    BodyLength.append(length, to: &bytes)
    do throws(PouchError) {
      try headers.append(to: &bytes, limits)
    } catch {
      throw PouchError(.internalError, "The response's headers are too long for a peer.", underlying: error)
    }
    return bytes
  }
}

/// The length of a body that may not be known.
private enum BodyLength {
  static func read(_ reader: inout PayloadReader) throws(ProtocolViolation) -> Int64? {
    let value: UInt64 = try reader.integer()
    if value == .max { return nil }
    guard let length = Int64(exactly: value) else { throw .malformedFrame }
    return length
  }

  static func append(_ length: Int64?, to bytes: inout [UInt8]) {
    bytes.appendInteger(length.map { UInt64(max(0, $0)) } ?? .max)
  }
}

extension HTTPFields {
  /// Reads headers up to the end of the payload.
  fileprivate init(reading reader: inout PayloadReader, _ limits: TunnelLimits) throws(ProtocolViolation) {
    self.init()
    let count = Int(try reader.integer(UInt8.self))
    guard count <= limits.headers else { throw .headTooLarge }
    for _ in 0..<count {
      let name = HTTPField.Name(String(decoding: try reader.short(), as: UTF8.self))
      guard let name, let value = String(validating: try reader.long(), as: UTF8.self),
        HTTPField.isValidValue(value)
      else { throw .malformedFrame }
      append(HTTPField(name: name, value: value))
    }
    try reader.finish()
  }

  /// - Throws: ``PouchError/Code/badRequest`` if the head has become too long, or there are too many headers.
  fileprivate func append(to bytes: inout [UInt8], _ limits: TunnelLimits) throws(PouchError) {
    let tooLarge = PouchError(.badRequest, "The headers are too long for a peer.")
    guard count <= limits.headers, count <= UInt8.max else { throw tooLarge }
    bytes.append(UInt8(count))
    for field in self {
      guard field.name.canonicalName.utf8.count <= UInt8.max, field.value.utf8.count <= limits.head else {
        throw tooLarge
      }
      bytes.appendShort(field.name.canonicalName.utf8)
      bytes.appendLong(field.value.utf8)
    }
    guard bytes.count <= limits.head else { throw tooLarge }
  }
}
