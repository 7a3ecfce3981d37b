/// An absolute `http` or `https` URL without query and fragment, taken apart (RFC 3986).
struct BaseURL: Sendable, Hashable {
  enum Scheme: String, Sendable {
    case http
    case https

    var defaultPort: Int { self == .http ? 80 : 443 }
  }

  let scheme: Scheme
  /// In lower case; an IPv6 address in brackets.
  let host: String
  let port: Int
  /// Percent-encoded, without a slash at the end: empty, or `/a/b`.
  let path: String
  /// The user and password that stood before the host, decoded.
  let credentials: URLCredentials?

  /// - Returns: `nil` if the text is not such a URL.
  init?(_ text: String) {
    guard let (scheme, rest) = BaseURL.split(text) else { return nil }
    guard !rest.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x5C || $0 == 0x3F || $0 == 0x23 }) else {
      return nil
    }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    var authority = rest[..<slash]
    var credentials: URLCredentials?
    if let at = authority.lastIndex(of: "@") {
      guard let found = URLCredentials(userInfo: authority[..<at]) else { return nil }
      credentials = found
      authority = authority[authority.index(after: at)...]
    }
    var host = authority
    var port = scheme.defaultPort
    if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
      host = authority[..<colon]
      let digits = authority[authority.index(after: colon)...]
      if !digits.isEmpty {
        guard let number = UInt16(digits), number > 0 else { return nil }
        port = Int(number)
      }
    }
    guard BaseURL.isHost(host) else { return nil }
    self.scheme = scheme
    self.host = host.lowercased()
    self.port = port
    self.credentials = credentials
    var path = rest[slash...]
    while path.last == "/" { path.removeLast() }
    self.path = String(path)
  }

  private static func split(_ text: String) -> (Scheme, Substring)? {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"),
      let scheme = Scheme(rawValue: text[..<colon].lowercased())
    else { return nil }
    return (scheme, text[text.index(colon, offsetBy: 3)...])
  }

  private static func isHost(_ host: Substring) -> Bool {
    if host.first == "[" {
      return host.last == "]" && host.count > 3
        && host.dropFirst().dropLast().utf8.allSatisfy {
          switch $0 {
          case 0x30...0x3A, 0x41...0x46, 0x61...0x66, 0x2E: true
          default: false
          }
        }
    }
    return !host.isEmpty
      && host.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
      }
  }

  /// Scheme, host and port, as browsers write an origin.
  var origin: String {
    "\(scheme.rawValue)://\(host)" + (port == scheme.defaultPort ? "" : ":\(port)")
  }

  /// Whether the host is this machine, where compression and the like are of no use.
  var isLoopback: Bool { host == "localhost" || host == "[::1]" || host.hasPrefix("127.") }
}

/// A user's name and password, as they stand in a URL.
public struct URLCredentials: Sendable, Hashable {
  public let user: String
  public let password: String

  public init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  /// - Returns: `nil` if this is no percent-encoded UTF-8.
  init?(userInfo: Substring) {
    let colon = userInfo.firstIndex(of: ":")
    guard let user = URLCredentials.decode(userInfo[..<(colon ?? userInfo.endIndex)]),
      let password = URLCredentials.decode(colon.map { userInfo[userInfo.index(after: $0)...] } ?? "")
    else { return nil }
    self.init(user: user, password: password)
  }

  private static func decode(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
