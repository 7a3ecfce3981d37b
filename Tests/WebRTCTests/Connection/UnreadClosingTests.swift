import Testing
import WebRTC

@Suite("Closing channels that nobody reads", .timeLimit(.minutes(1)))
struct UnreadClosingTests {
  /// Two ends of a channel of which the first sends all it can, and the second reads nothing.
  private func flooded() async throws -> (pair: Pair, here: DataChannel, there: DataChannel) {
    var configuration = Pair.configuration
    configuration.window = 128 * 1024
    var options = DataChannel.Options()
    (options.highMark, options.lowMark) = (64 * 1024, 0)
    let (pair, here, there) = try await Pair.connected(options, configuration, configuration)
    // A little less than the reader's queue and all that is on the way hold: more comes than the queue has room for.
    for _ in 0..<(1_300 / 32) { try await here.send([UInt8](repeating: 1, count: 32 * 1024)) }
    return (pair, here, there)
  }

  @Test func `the side that does not read closes`() async throws {
    let (pair, here, there) = try await flooded()
    await there.close()
    #expect(there.currentState == .closed(nil))
    #expect(await here.closed() == nil)
    await pair.close()
  }

  @Test func `the side that sends closes, and what was sent can still be read`() async throws {
    let (pair, here, there) = try await flooded()
    async let closing: Void = here.close()
    var bytes = 0
    for try await message in there.messages { bytes += message.byteCount }
    #expect(bytes == 1_300 / 32 * 32 * 1024)
    await closing
    await pair.close()
  }

  @Test func `other channels go on once it is closed`() async throws {
    let (pair, _, there) = try await flooded()
    await there.close()
    let other = try await pair.offerer.createDataChannel("other")
    let end = try await pair.incoming()
    try await other.send("hello")
    #expect(try await end.next() == .text("hello"))
    await pair.close()
  }
}
