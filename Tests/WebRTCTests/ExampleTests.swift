import Foundation
import TestSupport
import Testing

@Suite("The example RTCChat", .timeLimit(.minutes(1)))
struct ExampleTests {
  /// A terminal with the example in it: what is typed goes in, lines come out.
  private final class Chat: Sendable {
    private let process = Process()
    private let lines = ProcessLines()
    private let keyboard = Pipe()

    init(_ arguments: String...) throws {
      process.executableURL = try BuiltProduct.url("rtc-chat")
      process.arguments = arguments
      process.standardInput = keyboard
      process.standardOutput = lines.pipe
      process.standardError = FileHandle.nullDevice
      try process.run()
    }

    func type(_ line: String) throws {
      try keyboard.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    func typeEnd() throws {
      try keyboard.fileHandleForWriting.close()
    }

    /// The next line on standard output; `nil` when the program has ended.
    func line() async -> String? { await lines.next() }

    /// The exit code.
    func end() async -> Int32 {
      await lines.blocking { [self] in
        process.waitUntilExit()
        return process.terminationStatus
      }
    }
  }

  @Test func `two terminals chat after offer and answer were copied`() async throws {
    let (first, second) = (try Chat("offer", "--loopback"), try Chat("answer", "--loopback"))
    try second.type(try #require(await first.line()))
    try first.type(try #require(await second.line()))
    try first.type("Grüße")
    #expect(await second.line() == "Grüße")
    try second.type("and back\u{7}")
    #expect(await first.line() == "and back ")
    // Either side may end; the other one ends too, though nobody types anything there.
    try second.typeEnd()
    #expect(await second.line() == nil)
    #expect(await first.line() == nil)
    #expect(await first.end() == 0)
    #expect(await second.end() == 0)
  }

  @Test func `what is not an answer ends the program`() async throws {
    let chat = try Chat("offer", "--loopback")
    try chat.type(try #require(await chat.line()))
    #expect(await chat.end() == 1)
  }

  @Test(arguments: [[], ["talk"], ["offer", "--stun"], ["offer", "--stun", "nowhere"], ["answer", "--loud"]])
  func `wrong arguments end the program`(arguments: [String]) async throws {
    let process = Process()
    process.executableURL = try BuiltProduct.url("rtc-chat")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    let status = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    #expect(status == 1)
  }
}
