import Testing
import WebRTC

@Suite("Connections of one process")
struct ConnectionTests {
  @Test func `a message goes over a channel and is answered`() async throws {
    let pair = try await Pair()
    let channel = try await pair.offerer.createDataChannel("chat")
    try await pair.connect()
    try await channel.send("hello")
    var incoming = pair.answerer.incomingDataChannels.makeAsyncIterator()
    let other = try #require(await incoming.next())
    #expect(other.label == "chat")
    var messages = other.messages.makeAsyncIterator()
    #expect(try await messages.next() == .text("hello"))
    try await other.send([1, 2, 3])
    var answers = channel.messages.makeAsyncIterator()
    #expect(try await answers.next() == .binary([1, 2, 3]))
    await pair.close()
  }
}
