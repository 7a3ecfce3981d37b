import Foundation
import TestSupport

extension Home {
  /// Runs the command at a terminal, and returns what that was sent: results and errors alike, less than 4 KiB.
  func atTerminal(_ arguments: [String]) async throws -> String {
    let terminal = try Terminal()
    defer { close(terminal.descriptor) }
    let process = try process(BuiltProduct.url("peerpouch"), arguments)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = terminal.screen
    process.standardError = terminal.screen
    try await process.runToEnd()
    // The terminal holds what was written, and hangs up when the last of its users has closed it.
    try terminal.screen.close()
    var shown: [UInt8] = []
    while true {
      var piece = [UInt8](repeating: 0, count: 4096)
      let count = read(terminal.descriptor, &piece, piece.count)
      guard count > 0 else { return String(decoding: shown, as: UTF8.self) }
      shown += piece[..<count]
    }
  }
}

/// A terminal that is no device, as programs like `ssh` make them.
private struct Terminal {
  /// The end that shows what was written.
  let descriptor: Int32
  /// The end that a command uses.
  let screen: FileHandle

  init() throws {
    guard let (descriptor, name) = Terminal.open() else { throw CocoaError(.fileReadUnknown) }
    self.descriptor = descriptor
    screen = FileHandle(fileDescriptor: Foundation.open(name, O_RDWR | O_NOCTTY), closeOnDealloc: true)
  }

  private static func open() -> (descriptor: Int32, name: String)? {
    #if os(Linux)
      // Swift does not see Glibc's `posix_openpt` and its relatives; this is what they do.
      let (lock, number): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
      var (isLocked, index): (Int32, Int32) = (0, 0)
      let descriptor = Foundation.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      guard ioctl(descriptor, lock, &isLocked) == 0, ioctl(descriptor, number, &index) == 0 else { return nil }
      return (descriptor, "/dev/pts/\(index)")
    #else
      let descriptor = posix_openpt(O_RDWR | O_NOCTTY)
      guard grantpt(descriptor) == 0, unlockpt(descriptor) == 0, let name = ptsname(descriptor) else { return nil }
      return (descriptor, String(cString: name))
    #endif
  }
}
