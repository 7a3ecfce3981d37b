#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// TCP on the loopback address by the system's own calls.
enum LoopbackSocket {
  /// Connects to a port.
  static func connect(port: Int) throws -> Int32 {
    let descriptor = try make()
    try withAddress(port) { address, length in
      #if canImport(Glibc)
        Glibc.connect(descriptor, address, length)
      #else
        Darwin.connect(descriptor, address, length)
      #endif
    }
    setImmediate(descriptor)
    return descriptor
  }

  /// Listens on a free port.
  static func listen() throws -> (descriptor: Int32, port: Int) {
    let descriptor = try make()
    try withAddress(0) { bind(descriptor, $0, $1) }
    #if canImport(Glibc)
      try check(Glibc.listen(descriptor, SOMAXCONN))
    #else
      try check(Darwin.listen(descriptor, SOMAXCONN))
    #endif
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutableBytes(of: &address) { bytes in
      getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
    }
    try check(code)
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }

  /// Sends what is written at once, and never waits to do so.
  static func setImmediate(_ descriptor: Int32) {
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Lets no call wait.
  static func setNonblocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  /// Allows this process as many open files as the system grants.
  static func raiseFileLimit() {
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
  }

  private static func make() throws -> Int32 {
    // Writing to a connection whose other end has gone is an error, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    #if canImport(Glibc)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    try check(descriptor)
    // Programs that are started meanwhile must not keep it open.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return descriptor
  }

  private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    try check(code)
  }

  private static func check(_ code: Int32) throws {
    guard code >= 0 else { throw BareError(message: "A socket has failed: \(String(cString: strerror(errno)))") }
  }
}
