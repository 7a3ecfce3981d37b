extension IceCandidate {
  /// Reads a candidate: the value of the attribute, `candidate:…`, or the line `a=candidate:…`.
  /// - Throws: ``SDPError``, with the reason `unsupportedCandidate` if it is well-formed, but of a kind that is not known.
  ///   The empty text by which browsers tell the end of candidates is malformed here; see ``TrickledCandidate``.
  public init(_ text: String) throws(SDPError) {
    guard text.utf8.count <= SDPLimits.lineBytes else { throw SDPError(.lineTooLong) }
    var text = SDPText(text)
    while let last = text.bytes.last, last == 0x0A || last == 0x0D { text.bytes.removeLast() }
    guard !text.bytes.contains(where: SDPText.isControl) else { throw SDPError(.controlCharacter) }
    text = text.dropping(prefix: "a=") ?? text
    try self.init(text.dropping(prefix: "candidate:") ?? text)
  }

  /// Reads the value of the attribute (RFC 8839, section 5.1).
  init(_ value: SDPText) throws(SDPError) {
    let fields = value.fields
    guard fields.count >= 8, fields.count.isMultiple(of: 2), fields[6].isEqual(to: "typ"),
      fields[0].isIce(length: 1...SDPLimits.foundationLength),
      let component: UInt16 = fields[1].number(), (1...256).contains(component),
      fields[2].isToken, let priority: UInt32 = fields[3].number(), let port: UInt16 = fields[5].number(),
      fields[7].isToken
    else { throw SDPError(.malformed(.candidate)) }
    guard let kind = Kind(rawValue: fields[7].string) else { throw SDPError(.unsupportedCandidate) }
    self.init(
      foundation: fields[0].string, component: Int(component), transport: Transport(fields[2]), priority: priority,
      address: try fields[4].address, port: port, kind: kind)
    for index in stride(from: 8, to: fields.count, by: 2) { try add(fields[index], fields[index + 1]) }
  }

  private mutating func add(_ name: SDPText, _ value: SDPText) throws(SDPError) {
    if name.isEqual(to: "raddr") {
      guard relatedAddress == nil else { throw SDPError(.malformed(.candidate)) }
      relatedAddress = try value.address
    } else if name.isEqual(to: "rport") {
      guard relatedPort == nil, let port: UInt16 = value.number() else { throw SDPError(.malformed(.candidate)) }
      relatedPort = port
    } else if name.isEqual(to: "tcptype") {
      guard tcpType == nil, value.isToken else { throw SDPError(.malformed(.candidate)) }
      guard let type = TCPType(rawValue: value.string) else { throw SDPError(.unsupportedCandidate) }
      tcpType = type
    } else {
      extensions.append(Extension(name: name.string, value: value.string))
    }
  }
}

extension IceCandidate.Transport {
  fileprivate init(_ name: SDPText) {
    if name.isEqualIgnoringCase(to: "udp") {
      self = .udp
    } else if name.isEqualIgnoringCase(to: "tcp") {
      self = .tcp
    } else {
      self = .other(name.string)
    }
  }
}

extension SDPText {
  /// The text, if it is an address or a name.
  fileprivate var address: String {
    get throws(SDPError) {
      if addressForm != nil { return string }
      // An address with a zone means something on the peer's machine only.
      let (head, zone) = divided(at: UInt8(ascii: "%"))
      guard zone != nil, head.addressForm == .ipv6 else { throw SDPError(.malformed(.candidate)) }
      throw SDPError(.unsupportedCandidate)
    }
  }
}
