import Foundation
import Hummingbird
import Logging

/// A server whose only answer is an empty one: what serving HTTP costs with nothing behind it.
///
/// It prints the port that it listens on, and runs until it is ended.
@main
enum EmptyServer {
  static func main() async throws {
    let router = Router()
    router.get("/") { _, _ in HTTPResponse.Status.ok }
    var logger = Logger(label: "emptyserver")
    logger.logLevel = .error
    try await Application(
      router: router,
      configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
      // Written at once: what `print` says to a pipe stays in its buffer.
      onServerRunning: { channel in
        FileHandle.standardOutput.write(Data("\(channel.localAddress?.port ?? 0)\n".utf8))
      },
      logger: logger
    ).runService()
  }
}
