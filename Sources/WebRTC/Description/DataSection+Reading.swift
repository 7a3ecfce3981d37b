extension SDPDocument {
  /// Understands a section.
  func section(at index: Int) throws(SDPError) -> MediaSection {
    let media = media[index]
    guard media.attributes.all(.candidate).count <= SDPLimits.candidates else {
      throw SDPError(.tooMany(.candidate), line: media.line)
    }
    guard let transport = media.dataTransport else {
      return .other(
        OtherSection(
          media: media.media.string, port: media.port, transport: media.transport.string,
          formats: media.formats.map(\.string), mid: media.mid))
    }
    let mid = media.mid ?? substituteMid(at: index)
    // Port 0 with `bundle-only` means "in the bundle or not at all", not "rejected" (RFC 8843, section 6).
    guard media.port != 0 || media.attributes.contains(.bundleOnly) else {
      guard transport == .legacy else { return .data(.rejected(mid: mid, transport: transport)) }
      return .data(.rejected(mid: mid, transport: transport, sctpPort: try media.sctpPort(transport)))
    }
    return .data(try dataSection(of: media, mid: mid, transport: transport))
  }

  private func dataSection(
    of media: Media, mid: String, transport: DataSection.Transport
  ) throws(SDPError) -> DataSection {
    let scopes = scopes(of: media, mid: mid)
    let ufrag = try scopes.required(.iceUfrag) { $0.isIce(length: SDPLimits.ufragLength) ? $0.string : nil }
    let password = try scopes.required(.icePwd) { $0.isIce(length: SDPLimits.passwordLength) ? $0.string : nil }
    let (candidates, isComplete) = try self.candidates(of: scopes, ufrag: ufrag)
    return DataSection(
      mid: mid, transport: transport, iceUfrag: ufrag, icePwd: password, iceOptions: try scopes.iceOptions,
      fingerprints: try scopes.fingerprints,
      setup: try scopes.required(.setup) { SetupRole(rawValue: $0.string) },
      sctpPort: try media.sctpPort(transport), maxMessageSize: try media.maxMessageSize,
      candidates: candidates, isComplete: isComplete)
  }

  /// Where to look for what a section says of its transport.
  ///
  /// A bundled section may leave it to the first of its group (RFC 8843, section 7.1.3), and any to the session
  /// (RFC 8839, section 5.4; RFC 8122, section 5).
  private func scopes(of section: Media, mid: String) -> TransportScopes {
    let tag = bundle(of: mid)?.first
    let tagged = tag == mid ? nil : media.first { $0.mid == tag && tag != nil }
    return TransportScopes(line: section.line, own: section.attributes, tagged: tagged?.attributes, session: session)
  }

  /// The candidates of a section. If it has none, those of the first section of its group are its own if that section
  /// has the same ICE credentials, as they then share one transport.
  private func candidates(of scopes: TransportScopes, ufrag: String) throws(SDPError) -> ([IceCandidate], Bool) {
    var source = scopes.own
    if let tagged = scopes.tagged, source.all(.candidate).isEmpty {
      let theirs = TransportScopes(line: scopes.line, own: tagged, tagged: nil, session: scopes.session)
      if try theirs.single(.iceUfrag)?.value.isEqual(to: ufrag) == true { source = tagged }
    }
    let isComplete =
      scopes.own.contains(.endOfCandidates) || source.contains(.endOfCandidates)
      || scopes.session.contains(.endOfCandidates)
    return (try source.candidates, isComplete)
  }
}

/// The attributes that may speak of a section's transport, nearest first.
private struct TransportScopes {
  /// The line of the section's `m=`.
  var line: Int
  var own: SDPAttributes
  var tagged: SDPAttributes?
  var session: SDPAttributes

  func single(_ field: SDPError.Field) throws(SDPError) -> SDPAttribute? {
    if let found = try own.single(field) { return found }
    if let found = try tagged?.single(field) { return found }
    return try session.single(field)
  }

  func required<Value>(
    _ field: SDPError.Field, _ read: (SDPText) -> Value?
  ) throws(SDPError) -> Value {
    guard let attribute = try single(field) else { throw SDPError(.missing(field), line: line) }
    guard let value = read(attribute.value) else { throw SDPError(.malformed(field), line: attribute.line) }
    return value
  }

  var iceOptions: [String] {
    get throws(SDPError) {
      guard let attribute = try single(.iceOptions) else { return [] }
      let separators = [UInt8(ascii: " "), UInt8(ascii: ",")]
      return attribute.value.bytes.split(whereSeparator: separators.contains).map(SDPText.init).filter(\.isToken)
        .map(\.string)
    }
  }

  var fingerprints: [Fingerprint] {
    get throws(SDPError) {
      let scope = [own, tagged ?? SDPAttributes(), session].first { $0.contains(.fingerprint) } ?? own
      var fingerprints: [Fingerprint] = []
      for attribute in scope.all(.fingerprint) {
        let fields = attribute.value.fields
        guard fields.count == 2 else { throw SDPError(.malformed(.fingerprint), line: attribute.line) }
        guard let algorithm = Fingerprint.Algorithm(fields[0]) else { continue }
        guard let fingerprint = Fingerprint(algorithm: algorithm, digits: fields[1]) else {
          throw SDPError(.malformed(.fingerprint), line: attribute.line)
        }
        fingerprints.append(fingerprint)
      }
      guard !fingerprints.isEmpty else { throw SDPError(.missing(.fingerprint), line: line) }
      return fingerprints
    }
  }
}

extension SDPAttributes {
  /// The candidates; those of unknown kinds are skipped.
  fileprivate var candidates: [IceCandidate] {
    get throws(SDPError) {
      var candidates: [IceCandidate] = []
      for attribute in all(.candidate) {
        do throws(SDPError) {
          candidates.append(try IceCandidate(attribute.value))
        } catch {
          guard error.reason == .unsupportedCandidate else { throw SDPError(error.reason, line: attribute.line) }
        }
      }
      return candidates
    }
  }
}

extension SDPDocument.Media {
  /// The transport if this is a section of data channels, otherwise `nil`.
  fileprivate var dataTransport: DataSection.Transport? {
    guard media.isEqual(to: "application"), formats.count == 1,
      let transport = DataSection.Transport(rawValue: transport.string)
    else { return nil }
    guard transport == .legacy else { return formats[0].isEqual(to: "webrtc-datachannel") ? transport : nil }
    // `a=sctpmap:5000 webrtc-datachannel 1024` says what the association of a port carries.
    let mapped = attributes.all(.sctpmap).map(\.value.fields).first { $0.first?.bytes == formats[0].bytes }
    guard formats[0].isNumeric, let mapped, mapped.count >= 2, mapped[1].isEqual(to: "webrtc-datachannel") else {
      return nil
    }
    return transport
  }

  fileprivate func sctpPort(_ transport: DataSection.Transport) throws(SDPError) -> UInt16 {
    if transport == .legacy { return try Self.port(formats[0], .media, line: line) }
    guard let attribute = try attributes.single(.sctpPort) else { return 5000 }
    return try Self.port(attribute.value, .sctpPort, line: attribute.line)
  }

  private static func port(_ text: SDPText, _ field: SDPError.Field, line: Int) throws(SDPError) -> UInt16 {
    guard let port: UInt16 = text.number(), port != 0 else { throw SDPError(.malformed(field), line: line) }
    return port
  }

  /// The largest message; numbers that are too large stand for the largest.
  fileprivate var maxMessageSize: UInt64? {
    get throws(SDPError) {
      guard let attribute = try attributes.single(.maxMessageSize) else { return nil }
      guard attribute.value.isNumeric else { throw SDPError(.malformed(.maxMessageSize), line: attribute.line) }
      return attribute.value.number() ?? .max
    }
  }
}
