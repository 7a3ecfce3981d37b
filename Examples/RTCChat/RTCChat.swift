import Foundation
import WebRTC

/// A chat between two terminals over a data channel.
///
/// Two peers have to tell each other how they are reached before they can connect. What a server would carry between them
/// is copied and pasted here: the offer one way, the answer back, each a line of text.
@main
enum RTCChat {
  static func main() async {
    do {
      let options = try Options(CommandLine.arguments.dropFirst())
      try await chat(options)
    } catch {
      Terminal.tell("\(error)")
      exit(1)
    }
  }

  private static func chat(_ options: Options) async throws {
    let connection = try await PeerConnection(options.configuration)
    let channel =
      switch options.side {
      case .offer: try await offer(on: connection)
      case .answer: try await answer(on: connection)
      }
    Terminal.tell("Connected. What you type is sent line by line; Ctrl-D ends.")

    // Each direction at its own pace: nobody has to answer before the other goes on.
    Task {
      do {
        while let line = await Terminal.readLine() { try await channel.send(line) }
      } catch {
        Terminal.tell("\(error)")
      }
      await channel.close()
    }
    do {
      for try await case .text(let text) in channel.messages { Terminal.show(text) }
    } catch RTCError.closedByPeer {
      // The other program has ended, which may be noticed before the end of the channel is.
    }
    await connection.close()
  }

  /// The side that begins: it makes the channel, and tells the other side of it.
  private static func offer(on connection: PeerConnection) async throws -> DataChannel {
    let channel = try await connection.createDataChannel("chat")
    try await connection.setLocalDescription(connection.createOffer())
    Terminal.tell("Paste this line into the other terminal:")
    Terminal.show(try await wholeDescription(of: connection))
    Terminal.tell("Paste its answer here:")
    try await connection.setRemoteDescription(readDescription(.answer))
    try await channel.opened()
    return channel
  }

  /// The other side: it learns of the channel when the connection is made.
  private static func answer(on connection: PeerConnection) async throws -> DataChannel {
    Terminal.tell("Paste the offer here:")
    try await connection.setRemoteDescription(readDescription(.offer))
    try await connection.setLocalDescription(connection.createAnswer())
    Terminal.tell("Paste this line into the first terminal:")
    Terminal.show(try await wholeDescription(of: connection))
    for await channel in connection.incomingDataChannels { return channel }
    // There will be no channel: the connection has ended.
    try await connection.connected()
    throw RTCError.closedByPeer
  }

  /// This side's description with all its candidates, as one line. Candidates could also follow one by one, as they are
  /// found: see `PeerConnection.localCandidates`.
  private static func wholeDescription(of connection: PeerConnection) async throws -> String {
    for await state in connection.gatheringStates where state == .complete { break }
    guard let description = await connection.localDescription else { throw RTCError.closed }
    return try JSONEncoder().encode(description).base64EncodedString()
  }

  private static func readDescription(_ type: SDPType) async throws -> SessionDescription {
    guard let line = await Terminal.readLine(),
      let json = Data(base64Encoded: line.trimmingCharacters(in: .whitespaces)),
      let description = try? JSONDecoder().decode(SessionDescription.self, from: json), description.type == type
    else { throw RTCError.invalid("This is not the \(type.rawValue) of the other terminal.") }
    return description
  }
}
