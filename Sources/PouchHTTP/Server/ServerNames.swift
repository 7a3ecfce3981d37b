import NIOCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The names by which a server may be called in `Host`.
struct ServerNames: Sendable {
  private let names: Set<String>
  /// Whether the server listens on every address, so that any numeric one may be its own.
  private let listensEverywhere: Bool
  /// Whether nobody but this machine can reach it.
  let isLoopback: Bool

  private static let loopbackNames: Set<String> = ["localhost", "127.0.0.1", "::1"]

  init(_ configuration: HTTPServerConfiguration) {
    let host = ServerNames.normalized(configuration.host)
    listensEverywhere = host == "0.0.0.0" || host == "::"
    isLoopback = ServerNames.loopbackNames.contains(host) || (host.hasPrefix("127.") && ServerNames.isAddress(host))
    var names = Set(configuration.hostNames.map(ServerNames.normalized))
    names.insert(host)
    if isLoopback || listensEverywhere { names.formUnion(ServerNames.loopbackNames) }
    if listensEverywhere, let own = ServerNames.machineName { names.insert(ServerNames.normalized(own)) }
    self.names = names
  }

  /// Whether a `Host` header, with or without a port, names this server.
  func contains(host: String) -> Bool {
    // Nearly always it does so in the usual form.
    if let colon = host.utf8.firstIndex(of: 0x3A), names.contains(String(host[..<colon])),
      ServerNames.isPort(host[colon...])
    {
      return true
    }
    return ServerNames.name(ofHost: host).map { contains($0) } ?? false
  }

  /// - Parameter name: as ``name(ofHost:)`` gives it.
  func contains(_ name: String) -> Bool {
    names.contains(name) || (listensEverywhere && ServerNames.isAddress(name))
  }

  /// The name in a `Host` header, in lower case and without port and brackets; `nil` if it is none.
  static func name(ofHost host: String) -> String? {
    var name = host[...]
    if name.hasPrefix("[") {
      guard let end = name.firstIndex(of: "]") else { return nil }
      guard isPort(name[name.index(after: end)...]) else { return nil }
      name = name[name.index(after: name.startIndex)..<end]
      guard isAddress(String(name)) else { return nil }
    } else if let colon = name.firstIndex(of: ":") {
      guard isPort(name[colon...]) else { return nil }
      name = name[..<colon]
    }
    return name.isEmpty ? nil : normalized(String(name))
  }

  private static var machineName: String? {
    // The longest name that POSIX allows, and its end.
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count) == 0 else { return nil }
    return String(validating: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func isPort(_ text: Substring) -> Bool {
    text.isEmpty || (text.first == ":" && (text.dropFirst().isEmpty || UInt16(text.dropFirst()) != nil))
  }

  static func isAddress(_ name: String) -> Bool {
    (try? SocketAddress(ipAddress: name, port: 0)) != nil
  }

  /// In lower case, without the dot that ends an absolute name; addresses in their usual form.
  private static func normalized(_ name: String) -> String {
    var name = name.lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    return (try? SocketAddress(ipAddress: name, port: 0))?.ipAddress ?? name
  }
}
