import HTTPTypes
import PouchCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The grammar of multipart bodies (RFC 2046, section 5.1) as a state machine without I/O: bytes in, events out.
///
/// What comes out does not depend on how the input was cut into pieces, except for where `bytes` are cut. It holds on to
/// no more than the last piece, the headers of one part, and the bytes of a boundary.
struct MultipartParser: Sendable {
  enum Event: Sendable, Equatable {
    /// A part begins.
    case part(HTTPFields)
    /// Some of its content; never empty.
    case bytes([UInt8])
    /// The part is complete.
    case endOfPart
    /// The body is complete; what follows is ignored.
    case end
  }

  private enum Phase: Sendable {
    /// Before the first boundary; what stands there is skipped.
    case preamble
    case headers
    case content
    case end
  }

  private let limits: MultipartLimits
  /// CR, LF, two dashes and the boundary.
  private let delimiter: [UInt8]
  private var phase = Phase.preamble
  /// Whether nothing of the preamble or content was read yet: a boundary needs no line break before it then.
  private var isAtStart = true
  private var buffer: [UInt8] = []
  private var position = 0
  /// How many bytes of unfinished headers were searched for their end already.
  private var searched = 0
  private var parts = 0
  /// What happened but was not handed out: the end of a part comes after its last bytes.
  private var pending: Event?

  /// - Throws: ``PouchError/Code/badRequest`` for what cannot be a boundary.
  init(boundary: String, limits: MultipartLimits = .standard) throws(PouchError) {
    guard !boundary.isEmpty, boundary.utf8.count <= MultipartLimits.boundary,
      boundary.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), boundary.utf8.last != 0x20
    else { throw PouchError(.badRequest, "The multipart boundary is missing or malformed.") }
    self.limits = limits
    delimiter = [0x0D, 0x0A, 0x2D, 0x2D] + boundary.utf8
  }

  /// Takes the next bytes of the input. To be called when ``next()`` has nothing more.
  mutating func receive(_ piece: [UInt8]) {
    if position == buffer.count {
      buffer = piece
    } else {
      buffer.removeFirst(position)
      buffer.append(contentsOf: piece)
    }
    position = 0
  }

  /// What the input so far says next; `nil` when more is needed.
  /// - Throws: ``PouchError/Code/badRequest``.
  mutating func next() throws(PouchError) -> Event? {
    if let event = pending {
      pending = nil
      return event
    }
    while true {
      switch phase {
      case .preamble:
        // Skipped bytes make no event, but a boundary may follow them.
        if content() == nil, phase == .preamble { return nil }
        pending = nil
        if phase == .end { return .end }
      case .headers: return try headers()
      case .content: return content()
      case .end: return .end
      }
    }
  }

  /// Checks that the input may end here.
  /// - Throws: ``PouchError/Code/badRequest`` before the last boundary.
  func finish() throws(PouchError) {
    guard phase == .end else { throw MultipartParser.malformed("it ends before its last boundary") }
  }

  static func malformed(_ problem: String) -> PouchError {
    PouchError(.badRequest, "The multipart body is malformed: \(problem).")
  }

  // MARK: Content and boundaries

  private enum Match {
    case none
    case incomplete
    /// A boundary, and where the next part begins behind it.
    case delimiter(end: Int)
    /// The last one.
    case closing(end: Int)
  }

  private mutating func content() -> Event? {
    if isAtStart {
      switch match(at: position, from: 2) {
      case .none: isAtStart = false
      case .incomplete: return nil
      case .delimiter(let end): return endContent(at: position, next: end, .headers)
      case .closing(let end): return endContent(at: position, next: end, .end)
      }
    }
    var index = position
    while let carriageReturn = firstCarriageReturn(from: index) {
      switch match(at: carriageReturn, from: 0) {
      case .none: index = carriageReturn + 1
      case .incomplete: return take(upTo: carriageReturn)
      case .delimiter(let end): return endContent(at: carriageReturn, next: end, .headers)
      case .closing(let end): return endContent(at: carriageReturn, next: end, .end)
      }
    }
    return take(upTo: buffer.count)
  }

  private mutating func endContent(at end: Int, next: Int, _ following: Phase) -> Event? {
    let bytes = take(upTo: end)
    position = next
    phase = following
    searched = 0
    guard let bytes else { return .endOfPart }
    pending = .endOfPart
    return bytes
  }

  private mutating func take(upTo end: Int) -> Event? {
    guard end > position else { return nil }
    defer { position = end }
    // A piece in the middle of a part is handed on as it came.
    return position == 0 && end == buffer.count ? .bytes(buffer) : .bytes(Array(buffer[position..<end]))
  }

  private func firstCarriageReturn(from index: Int) -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, index < bytes.count,
        let found = memchr(base + index, 0x0D, bytes.count - index)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  /// Whether a boundary stands at an index.
  /// - Parameter offset: how many bytes of the delimiter are not asked for.
  private func match(at index: Int, from offset: Int) -> Match {
    let end = index + delimiter.count - offset
    let available = min(end, buffer.count)
    guard buffer[index..<available].elementsEqual(delimiter[offset..<offset + available - index]) else { return .none }
    guard available == end else { return .incomplete }
    return tail(from: end)
  }

  /// What stands behind a boundary: dashes, or white space and a line break. With anything else it is none, but the
  /// beginning of another boundary that is longer.
  private func tail(from end: Int) -> Match {
    guard end < buffer.count else { return .incomplete }
    if buffer[end] == 0x2D {
      guard end + 1 < buffer.count else { return .incomplete }
      return buffer[end + 1] == 0x2D ? .closing(end: end + 2) : .none
    }
    var index = end
    while index < buffer.count, buffer[index] == 0x20 || buffer[index] == 0x09 {
      guard index - end < MultipartLimits.padding else { return .none }
      index += 1
    }
    guard index < buffer.count else { return .incomplete }
    guard buffer[index] == 0x0D else { return .none }
    guard index + 1 < buffer.count else { return .incomplete }
    return buffer[index + 1] == 0x0A ? .delimiter(end: index + 2) : .none
  }

  // MARK: Headers

  private mutating func headers() throws(PouchError) -> Event? {
    guard let end = endOfHeaders() else {
      guard buffer.count - position <= limits.headerBytes else { throw MultipartParser.tooLong }
      return nil
    }
    guard end - position <= limits.headerBytes else { throw MultipartParser.tooLong }
    parts += 1
    guard parts <= limits.parts else { throw MultipartParser.malformed("it has too many parts") }
    let fields = try MultipartHeaders.parse(buffer[position..<end])
    position = end
    phase = .content
    isAtStart = true
    return .part(fields)
  }

  private static let tooLong = malformed("the headers of a part are too long")

  /// Where the content begins: behind the first empty line.
  private mutating func endOfHeaders() -> Int? {
    let available = buffer.count - position
    if available >= 2, buffer[position] == 0x0D, buffer[position + 1] == 0x0A { return position + 2 }
    var index = position + max(0, searched - 3)
    while index + 3 < buffer.count {
      if buffer[index] == 0x0D, buffer[index + 1] == 0x0A, buffer[index + 2] == 0x0D, buffer[index + 3] == 0x0A {
        return index + 4
      }
      index += 1
    }
    searched = available
    return nil
  }
}
