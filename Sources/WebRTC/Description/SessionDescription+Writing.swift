extension SessionDescription {
  /// The description as text, with CR LF at the end of each line, in the order in which browsers write it.
  ///
  /// All accepted sections are in one BUNDLE group, unless ``isBundled`` is false. An accepted section of data channels
  /// has port 9 and the address `0.0.0.0` (RFC 8829, section 5.2.1): where to send is said by candidates alone.
  /// Control characters in values that were not read but made are left out, so that no value adds a line.
  public var sdp: String {
    var writer = SDPWriter()
    writer.line("v=0")
    writer.line("o=- \(sessionID) \(sessionVersion) IN IP4 127.0.0.1")
    writer.line("s=-")
    writer.line("t=0 0")
    if isBundled {
      let mids = sections.filter { !$0.isRejected }.compactMap(\.mid)
      writer.line((["a=group:BUNDLE"] + mids).joined(separator: " "))
    }
    for section in sections {
      switch section {
      case .data(let section): writer.section(section)
      case .other(let section): writer.section(section)
      }
    }
    return writer.text
  }
}

/// The text of a description as it grows.
private struct SDPWriter {
  private(set) var text = ""

  mutating func line(_ line: String) {
    if line.utf8.contains(where: SDPText.isControl) {
      text += String(decoding: line.utf8.filter { !SDPText.isControl($0) }, as: UTF8.self)
    } else {
      text += line
    }
    text += "\r\n"
  }

  mutating func section(_ section: OtherSection) {
    line("m=\(section.media) \(section.port) \(section.transport) \(section.formats.joined(separator: " "))")
    line("c=IN IP4 0.0.0.0")
    if let mid = section.mid { line("a=mid:\(mid)") }
    line("a=inactive")
  }

  mutating func section(_ section: DataSection) {
    let isLegacy = section.transport == .legacy
    let format = isLegacy ? "\(section.sctpPort)" : "webrtc-datachannel"
    line("m=application \(section.isRejected ? 0 : 9) \(section.transport.rawValue) \(format)")
    line("c=IN IP4 0.0.0.0")
    if section.isRejected {
      line("a=mid:\(section.mid)")
      if isLegacy { line("a=sctpmap:\(section.sctpPort) webrtc-datachannel 1024") }
      return
    }
    for candidate in section.candidates { line("a=\(candidate.candidate)") }
    if section.isComplete { line("a=end-of-candidates") }
    line("a=ice-ufrag:\(section.iceUfrag)")
    line("a=ice-pwd:\(section.icePwd)")
    if !section.iceOptions.isEmpty { line("a=ice-options:\(section.iceOptions.joined(separator: " "))") }
    for fingerprint in section.fingerprints { line("a=fingerprint:\(fingerprint)") }
    line("a=setup:\(section.setup.rawValue)")
    line("a=mid:\(section.mid)")
    line(isLegacy ? "a=sctpmap:\(section.sctpPort) webrtc-datachannel 1024" : "a=sctp-port:\(section.sctpPort)")
    if let size = section.maxMessageSize { line("a=max-message-size:\(size)") }
  }
}
