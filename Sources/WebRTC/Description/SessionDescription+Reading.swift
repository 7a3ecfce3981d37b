extension SessionDescription {
  /// Reads a description (RFC 8829, section 5.8).
  ///
  /// Lines may end in LF alone. Lines and attributes that are of no use to data channels are skipped.
  /// - Parameters:
  ///   - type: What it is; the text does not say.
  ///   - sdp: The text.
  /// - Throws: ``SDPError`` if it exceeds one of ``SDPLimits``, contains control characters, has no usable `v=` or `o=`,
  ///   an `m=` line or a `mid` is malformed, a `mid` is there twice, or a section of data channels that is not rejected
  ///   lacks something it needs: an ICE user fragment and password, a fingerprint of a known algorithm, a setup role. An
  ///   answer must have chosen the role.
  public init(_ type: SDPType, sdp: String) throws(SDPError) {
    let document = try SDPDocument(SDPLine.lines(of: sdp))
    var sections: [MediaSection] = []
    for index in document.media.indices { sections.append(try document.section(at: index)) }
    let (sessionID, sessionVersion) = try document.origin
    self.init(type: type, sessionID: sessionID, sessionVersion: sessionVersion, sections: sections)
    isBundled = dataSection.map { document.bundle(of: $0.mid) != nil } ?? !document.bundles.isEmpty
    guard type == .answer else { return }
    for (index, section) in sections.enumerated() {
      guard case .data(let data) = section, !data.isRejected, data.setup == .actpass else { continue }
      throw SDPError(.undecidedAnswer, line: document.media[index].line)
    }
  }
}

/// A description divided into its sections, before they are understood.
struct SDPDocument {
  /// A section as its `m=` line says it, and its attributes.
  struct Media {
    var line: Int
    var media: SDPText
    var port: UInt16
    var transport: SDPText
    var formats: [SDPText]
    var attributes = SDPAttributes()
    var mid: String?
  }

  /// The attributes before the first section.
  private(set) var session = SDPAttributes()
  private(set) var media: [Media] = []
  /// The `mid`s of each BUNDLE group (RFC 8843, section 7).
  private(set) var bundles: [[String]] = []
  private var originLine: SDPLine?

  init(_ lines: [SDPLine]) throws(SDPError) {
    guard let first = lines.first, first.kind == UInt8(ascii: "v") else { throw SDPError(.missing(.version)) }
    guard first.value.isEqual(to: "0") else { throw SDPError(.malformed(.version), line: first.number) }
    for line in lines.dropFirst() {
      switch line.kind {
      case UInt8(ascii: "o") where media.isEmpty: originLine = originLine ?? line
      case UInt8(ascii: "m"): try append(Media(line))
      case UInt8(ascii: "a"): if let attribute = SDPAttribute(line) { add(attribute) }
      default: continue
      }
    }
    try nameSections()
    bundles = session.all(.group).compactMap { group in
      let fields = group.value.fields
      guard let semantics = fields.first, semantics.isEqual(to: "BUNDLE") else { return nil }
      return fields.dropFirst().map(\.string)
    }
  }

  private mutating func append(_ section: Media) throws(SDPError) {
    guard media.count < SDPLimits.sections else { throw SDPError(.tooMany(.media), line: section.line) }
    media.append(section)
  }

  private mutating func add(_ attribute: SDPAttribute) {
    if media.isEmpty {
      session.append(attribute)
    } else {
      media[media.count - 1].attributes.append(attribute)
    }
  }

  private mutating func nameSections() throws(SDPError) {
    var known: Set<String> = []
    for index in media.indices {
      guard let mid = try media[index].attributes.single(.mid) else { continue }
      guard mid.value.isToken, mid.value.bytes.count <= SDPLimits.midLength else {
        throw SDPError(.malformed(.mid), line: mid.line)
      }
      guard known.insert(mid.value.string).inserted else { throw SDPError(.repeated(.mid), line: mid.line) }
      media[index].mid = mid.value.string
    }
  }

  /// The session's number and the description's (RFC 8866, section 5.2).
  var origin: (session: UInt64, version: UInt64) {
    get throws(SDPError) {
      guard let originLine else { throw SDPError(.missing(.origin)) }
      let fields = originLine.value.fields
      guard fields.count == 6, let session: UInt64 = fields[1].number(), let version: UInt64 = fields[2].number() else {
        throw SDPError(.malformed(.origin), line: originLine.number)
      }
      return (session, version)
    }
  }

  /// The BUNDLE group that a section is in.
  func bundle(of mid: String) -> [String]? { bundles.first { $0.contains(mid) } }

  /// An identification for a section that has none: its index, made longer until no other section has it.
  func substituteMid(at index: Int) -> String {
    var mid = "\(index)"
    while media.contains(where: { $0.mid == mid }) { mid += "-" }
    return mid
  }
}

extension SDPDocument.Media {
  /// Reads `m=media port/count transport format…` (RFC 8866, section 5.14).
  init(_ line: SDPLine) throws(SDPError) {
    let fields = line.value.fields
    guard fields.count >= 4, fields[0].isToken, fields[2].isProtocol, fields[3...].allSatisfy(\.isToken),
      let port: UInt16 = fields[1].divided(at: UInt8(ascii: "/")).head.number()
    else { throw SDPError(.malformed(.media), line: line.number) }
    self.init(line: line.number, media: fields[0], port: port, transport: fields[2], formats: Array(fields[3...]))
  }
}
