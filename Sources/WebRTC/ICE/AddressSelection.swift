#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Which of the machine's addresses take part in a connection.
public enum AddressSelection: Hashable, Sendable {
  /// All but loopback and link-local ones; the loopback addresses if there are no others.
  case automatic
  /// Those of some network interfaces, by their names.
  case interfaces([String])
  /// These literal addresses of IPv4 or IPv6.
  case addresses([String])
}

extension AddressSelection {
  private struct Found {
    var interface: String
    var address: String
    var isLoopback: Bool
    var isLinkLocal: Bool
  }

  /// The addresses that are selected, of the machine as it is now.
  var current: [String] {
    switch self {
    case .addresses(let addresses): addresses
    case .interfaces(let names):
      Self.all.filter { names.contains($0.interface) && !$0.isLinkLocal }.map(\.address)
    case .automatic:
      Self.usual
    }
  }

  private static var usual: [String] {
    let found = all.filter { !$0.isLinkLocal }
    let others = found.filter { !$0.isLoopback }
    return (others.isEmpty ? found : others).map(\.address)
  }

  private static var all: [Found] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var found: [Found] = []
    for entry in sequence(first: list, next: { $0?.pointee.ifa_next }).prefix(while: { $0 != nil }) {
      guard let entry, let address = entry.pointee.ifa_addr, let name = entry.pointee.ifa_name else { continue }
      let family = Int32(address.pointee.sa_family)
      guard entry.pointee.ifa_flags & UInt32(bitPattern: Int32(IFF_UP)) != 0,
        family == AF_INET || family == AF_INET6
      else { continue }
      let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
      var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let flags = Int32(NI_NUMERICHOST)
      guard getnameinfo(address, socklen_t(length), &host, socklen_t(host.count), nil, 0, flags) == 0 else { continue }
      let text = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      found.append(
        Found(
          interface: String(cString: name), address: text,
          isLoopback: entry.pointee.ifa_flags & UInt32(bitPattern: Int32(IFF_LOOPBACK)) != 0,
          isLinkLocal: text.lowercased().hasPrefix("fe80:")))
    }
    return found
  }
}
