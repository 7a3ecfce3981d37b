import Foundation
import WebRTC

/// coturn on 127.0.0.1, with one user.
final class TurnServer: Sendable {
  static let (username, credential) = ("me", "secret")

  let port: UInt16
  private let process = Process()
  private let folder: URL
  private let queue = DispatchQueue(label: "turn")

  /// Where coturn is installed; `nil` if it is not.
  static var executable: URL? {
    ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map { URL(fileURLWithPath: $0 + "/turnserver") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }

  /// How it is told to a connection.
  var asIceServer: IceServer {
    IceServer(.turn(.udp, username: Self.username, credential: Self.credential), host: "127.0.0.1", port: port)
  }

  /// Starts it, and waits until it listens.
  init() async throws {
    port = try UDPSocket().port
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("turn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    process.executableURL = Self.executable
    process.currentDirectoryURL = folder
    process.arguments = [
      "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--listening-port=\(port)", "--lt-cred-mech",
      "--user=\(Self.username):\(Self.credential)", "--realm=test", "--allow-loopback-peers", "--no-cli", "--no-tls",
      "--no-dtls", "--no-tcp", "--log-file=stdout", "--simple-log", "--pidfile=\(folder.path)/pid",
      "--userdb=\(folder.path)/users",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    try await withCheckedThrowingContinuation { continuation in
      queue.async { [self] in continuation.resume(with: Result { try waitUntilItAnswers() }) }
    }
  }

  /// Asks, again and again, as UDP is: what comes before the server listens is lost.
  private func waitUntilItAnswers() throws {
    let socket = try UDPSocket()
    socket.setTimeout(milliseconds: 50)
    while process.isRunning {
      socket.send(StunResponder.request, to: port)
      if socket.receive() != nil { return }
    }
    throw CocoaError(.featureUnsupported, userInfo: [NSLocalizedDescriptionKey: "coturn does not start"])
  }

  /// Ends it at once; it holds nothing that is worth a goodbye.
  func stop() {
    kill(process.processIdentifier, SIGKILL)
    try? FileManager.default.removeItem(at: folder)
  }
}
