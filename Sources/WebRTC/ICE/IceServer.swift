/// A server that helps to find a path: STUN tells a peer its public address, TURN relays for peers that have no direct path.
public struct IceServer: Hashable, Sendable {
  /// How a TURN server is talked to.
  public enum Transport: String, Hashable, Sendable {
    case udp
    case tcp
    case tls
  }

  /// What the server does.
  public enum Kind: Hashable, Sendable {
    /// RFC 8489.
    case stun
    /// RFC 8656, with the credentials of its long-term mechanism.
    case turn(Transport, username: String, credential: String)
  }

  /// A name or a literal address.
  public var host: String
  public var port: UInt16
  public var kind: Kind

  /// - Parameter port: 3478 is the one that is registered, 5349 that for TLS.
  public init(_ kind: Kind, host: String, port: UInt16? = nil) {
    self.kind = kind
    self.host = host
    if case .turn(.tls, _, _) = kind { self.port = port ?? 5349 } else { self.port = port ?? 3478 }
  }

  /// Reads a URI such as `stun:stun.example.org`, `turn:turn.example.org:3478?transport=tcp` or `turns:turn.example.org`
  /// (RFC 7064, RFC 7065).
  /// - Throws: ``RTCError/invalid(_:)`` if it is malformed, or names a TURN server and there is no username or credential.
  public init(_ uri: String, username: String? = nil, credential: String? = nil) throws(RTCError) {
    let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let colon = parts[0].firstIndex(of: ":") else {
      throw .invalid("This is not the URI of a STUN or TURN server.")
    }
    let scheme = parts[0][..<colon].lowercased()
    let (host, port) = try Self.hostAndPort(parts[0][parts[0].index(after: colon)...])
    var transport: Transport?
    if parts.count == 2 {
      guard let named = parts[1].split(separator: "=").last.flatMap({ Transport(rawValue: String($0)) }),
        parts[1] == "transport=\(named.rawValue)", named != .tls
      else { throw .invalid("After the question mark, transport=udp or transport=tcp may stand.") }
      transport = named
    }
    switch (scheme, transport) {
    case ("stun", nil):
      self.init(.stun, host: host, port: port)
    case ("turn", _), ("turns", .tcp), ("turns", nil):
      guard let username, let credential else { throw .invalid("A TURN server needs a username and a credential.") }
      let kind = Kind.turn(
        scheme == "turns" ? .tls : transport ?? .udp, username: username, credential: credential)
      self.init(kind, host: host, port: port)
    default:
      throw .invalid("The scheme must be stun, turn or turns, and fit the transport.")
    }
  }

  /// Splits `host`, `host:port`, `[IPv6]` or `[IPv6]:port`.
  private static func hostAndPort(_ text: Substring) throws(RTCError) -> (String, UInt16?) {
    var host = text
    var port: UInt16?
    if host.first == "[" {
      guard let end = host.firstIndex(of: "]") else { throw .invalid("The bracket of the address is not closed.") }
      let rest = host[host.index(after: end)...]
      host = host[host.index(after: host.startIndex)..<end]
      if !rest.isEmpty {
        guard rest.first == ":", let number = UInt16(rest.dropFirst()) else { throw .invalid("The port is not one.") }
        port = number
      }
    } else if let colon = host.lastIndex(of: ":") {
      guard let number = UInt16(host[host.index(after: colon)...]) else { throw .invalid("The port is not one.") }
      port = number
      host = host[..<colon]
      guard !host.contains(":") else { throw .invalid("An IPv6 address must stand in brackets.") }
    }
    let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"/?#@".utf8.contains($0) }
    guard !host.isEmpty, host.utf8.count <= 255, isPlain, port != 0 else {
      throw .invalid("The host or the port is not one.")
    }
    return (String(host), port)
  }
}
