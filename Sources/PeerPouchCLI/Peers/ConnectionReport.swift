import PeerPouch

/// Tells on standard error how the connection to another peer comes and goes.
///
/// On a terminal what passes by itself is a status, and only what lasts a line.
struct ConnectionReport: Sendable {
  private let diagnostics: Diagnostics
  private let isJSON: Bool
  /// This side's identity, for comparing.
  private let own: Fingerprint
  /// Which server is asked: a ticket may name one that is new to whoever got it.
  private let hub: HubName

  init(_ console: Console, _ own: Fingerprint, by hub: HubName) {
    diagnostics = console.diagnostics
    isJSON = console.isJSON
    self.own = own
    self.hub = hub
  }

  /// Follows the states to their end.
  func follow(_ states: PeerConnectionStates) async {
    guard diagnostics.style != .none else { return }
    var shown: String?
    for await state in states {
      let sentence = sentence(state)
      // Round-trip times are news every few seconds.
      guard let sentence, sentence.key != shown else { continue }
      shown = sentence.key
      if isJSON {
        diagnostics.line(json(state).text)
      } else if diagnostics.style == .status, sentence.isPassing {
        diagnostics.status("peerpouch: \(sentence.text)")
      } else {
        diagnostics.note(sentence.text)
        if case .asking(let shared) = state, let warning = PeerText.warning(shared.standing) {
          diagnostics.note("warning: \(warning)")
        }
      }
    }
  }

  private struct Sentence {
    let text: String
    /// What must be another one to be told again.
    let key: String
    var isPassing = false

    init(_ text: String, key: String? = nil, isPassing: Bool = false) {
      self.text = text
      self.key = key ?? text
      self.isPassing = isPassing
    }
  }

  private func sentence(_ state: PeerConnectionState) -> Sentence? {
    switch state {
    case .signalling:
      return Sentence("signalling: asking the owner by way of \(ShownText.plain(hub.text))", isPassing: true)
    case .asking(let shared):
      let owner = "\(shared.identity.short) (\(PeerText.standing(shared.standing)))"
      return Sentence("asking \(owner), who may have to say yes; you are \(own.short). Compare both.")
    case .connecting: return Sentence("connecting: the owner lets us in, looking for a path", isPassing: true)
    case .connected(let path, let roundTrip):
      let way = path.map { "\($0.kind.rawValue), \($0.local) to \($0.remote)" } ?? "path unknown"
      let time = roundTrip.map { ", \(PeerText.milliseconds($0))" } ?? ""
      return Sentence("connected: \(way)\(time)", key: "connected \(way)")
    case .reconnecting(let reason): return Sentence("reconnecting: \(reason.isEmpty ? "no connection" : reason)")
    // This is the error with which the command ends.
    case .refused, .closed: return nil
    }
  }

  private func json(_ state: PeerConnectionState) -> JSON {
    switch state {
    case .signalling: return ["connection": "signalling", "hub": JSON(hub.text)]
    case .asking(let shared):
      var object: JSON.Object = [
        "connection": "asking", "identity": JSON(shared.identity.text), "short": JSON(shared.identity.short),
        "own": JSON(own.text), "known": JSON(shared.standing == .known),
      ]
      object["warning"] = PeerText.warning(shared.standing).map { JSON($0) }
      return .object(object)
    case .connecting: return ["connection": "connecting"]
    case .connected(let path, let roundTrip):
      var object: JSON.Object = ["connection": "connected"]
      PeerText.add(path, roundTrip, to: &object)
      return .object(object)
    case .reconnecting(let reason): return ["connection": "reconnecting", "reason": JSON(reason)]
    case .refused(let refusal): return ["connection": "refused", "reason": JSON(refusal.rawValue)]
    case .closed: return ["connection": "closed"]
    }
  }
}

/// Peers in words.
enum PeerText {
  /// Such as `1.2 ms`.
  static func milliseconds(_ duration: Duration) -> String {
    let value = duration / .milliseconds(1)
    // States of a connection tell whole milliseconds.
    if value == 0 { return "less than 1 ms" }
    return value >= 10 ? "\(Int(value.rounded())) ms" : "\((value * 10).rounded() / 10) ms"
  }

  static func add(_ path: PeerPath?, _ roundTrip: Duration?, to object: inout JSON.Object) {
    if let path {
      object["path"] = ["kind": JSON(path.kind.rawValue), "local": JSON(path.local), "remote": JSON(path.remote)]
    }
    if let roundTrip { object["rtt_ms"] = JSON(floatLiteral: roundTrip / .milliseconds(1)) }
  }

  /// What somebody calls itself, if anything: no proof of who it is. Never longer than a line.
  static func name(in info: JSON) -> String? {
    info["name"]?.string.flatMap { $0.isEmpty ? nil : plain($0) }
  }

  /// Text of another peer without what does not show or changes how others show, whatever it is shown on; cut to 128
  /// characters.
  static func plain(_ text: String) -> String {
    String(String.UnicodeScalarView(ShownText.plain(text).unicodeScalars.prefix(128)))
  }

  /// Whether this installation has dealt with an identity.
  static func standing(_ standing: KnownIdentities.Standing) -> String {
    standing == .known ? "met before" : "never met"
  }

  /// What is wrong with the name of an identity, if anything.
  static func warning(_ standing: KnownIdentities.Standing) -> String? {
    guard case .nameOfOthers(let others) = standing else { return nil }
    return "the name is known of \(others.map(\.short).joined(separator: ", "))"
  }
}
