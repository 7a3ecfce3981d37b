import NIOCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The limit of open files, of which each connection is one.
enum OpenFiles {
  #if canImport(Darwin)
    private static let resource = RLIMIT_NOFILE
  #else
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  #endif

  /// Asks the system to allow this process more open files, up to what it grants without special rights.
  /// - Returns: how many connections fit beside the other files of the process.
  static func makeRoom(forConnections wanted: Int) -> Int {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return wanted }
    let needed = rlim_t(wanted + HTTPTuning.otherFiles)
    if limit.rlim_cur < needed {
      var raised = limit
      raised.rlim_cur = min(needed, limit.rlim_max)
      if setrlimit(resource, &raised) == 0 { limit = raised }
    }
    guard limit.rlim_cur < needed else { return wanted }
    let allowed = Int(limit.rlim_cur)
    return max(allowed / 2, allowed - HTTPTuning.otherFiles)
  }
}

/// Keeps a server going when it could not take a connection, for want of files or because the client was gone already.
/// Without it the first such error would end the server.
final class AcceptErrorShield: ChannelInboundHandler {
  typealias InboundIn = any Channel

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is IOError else { return context.fireErrorCaught(error) }
  }
}
