import Foundation
import WebRTC

/// What requests are carried out by. It has one connection at a time, and its channels by their labels.
@RTCEngine
final class Peer {
  private(set) var connection: PeerConnection?
  private var isTrickling = false
  private var channels: [String: PeerChannel] = [:]

  nonisolated init() {}

  /// Carries out a request, and answers it.
  func carryOut(_ request: Request) async {
    do {
      Output.say(["id": .whole(request.id), "result": .members(try await result(of: request))])
    } catch {
      Output.say(["id": .whole(request.id), "error": .text(String(describing: error))])
    }
  }

  private func result(of request: Request) async throws -> [String: Field] {
    switch request.verb {
    case "about": Self.about
    case "create": try create(request)
    case "offer": try await offer()
    case "answer": try await answer(request)
    case "accept": try accept(request)
    case "candidate": try addCandidate(request)
    case "close": try await close()
    case "statistics": statistics
    case "open": try await open(request)
    default: try await channel(of: request).carryOut(request)
    }
  }

  private nonisolated static let about: [String: Field] = [
    "name": .text("PeerPouch WebRTC"), "largest": .whole(PeerConnection.Configuration().maxMessageSize),
    "can": .list(
      ["trickle", "packetSize", "congestion", "window", "deadAfter", "residentBytes", "pair", "unread"].map(Field.text)
    ),
  ]

  // MARK: - The connection

  private func create(_ request: Request) throws -> [String: Field] {
    guard connection == nil else { throw Refusal(description: "there is a connection") }
    let made = try PeerConnection(PeerConnection.Configuration(request))
    connection = made
    isTrickling = request.trickle ?? false
    let (states, incoming) = (made.connectionStates, made.incomingDataChannels)
    // Each ends with the connection.
    Task { @concurrent in for await state in states { Output.tell(state) } }
    Task { [weak self] in for await channel in incoming { self?.add(PeerChannel(channel)) } }
    if isTrickling {
      let candidates = made.localCandidates
      Task { @concurrent in for await candidate in candidates { Output.tell(candidate) } }
    }
    return [:]
  }

  private func existing() throws -> PeerConnection {
    guard let connection else { throw Refusal(description: "there is no connection") }
    return connection
  }

  private func offer() async throws -> [String: Field] {
    let connection = try existing()
    try connection.setLocalDescription(connection.createOffer())
    return try await localDescription(of: connection)
  }

  private func answer(_ request: Request) async throws -> [String: Field] {
    let connection = try existing()
    try connection.setRemoteDescription(SessionDescription(.offer, sdp: request.required(\.sdp, "sdp")))
    try connection.setLocalDescription(connection.createAnswer())
    return try await localDescription(of: connection)
  }

  private func accept(_ request: Request) throws -> [String: Field] {
    try existing().setRemoteDescription(SessionDescription(.answer, sdp: request.required(\.sdp, "sdp")))
    return [:]
  }

  private func addCandidate(_ request: Request) throws -> [String: Field] {
    let text = try request.required(\.candidate, "candidate")
    try existing().addIceCandidate(TrickledCandidate(text, sdpMid: request.mid, sdpMLineIndex: request.index))
    return [:]
  }

  /// The description that was set, with all candidates unless they trickle.
  private func localDescription(of connection: PeerConnection) async throws -> [String: Field] {
    if !isTrickling {
      for await state in connection.gatheringStates where state == .complete { break }
    }
    guard let description = connection.localDescription else { throw Refusal(description: "the connection was closed") }
    return ["sdp": .text(description.sdp)]
  }

  private func close() async throws -> [String: Field] {
    let connection = try existing()
    self.connection = nil
    let channels = self.channels.values
    self.channels = [:]
    for channel in channels { channel.forget() }
    connection.close()
    return [:]
  }

  /// Closes the connection if there is one.
  func end() async {
    if connection != nil { _ = try? await close() }
  }

  private var statistics: [String: Field] {
    var fields: [String: Field] = [
      "cpuSeconds": .real(ProcessUse.cpuSeconds), "residentBytes": .whole(ProcessUse.residentBytes),
    ]
    guard let connection else { return fields }
    if let pair = connection.selectedCandidatePair {
      fields["pair"] = .members(["local": .text(pair.local.summary), "remote": .text(pair.remote.summary)])
    }
    let carried = connection.statistics
    fields["packetsSent"] = .whole(carried.packetsSent)
    fields["packetsReceived"] = .whole(carried.packetsReceived)
    fields["retransmissions"] = .whole(carried.retransmissions)
    // In seconds and in bytes.
    fields["roundTripTime"] = carried.roundTripTime.map { .real($0 / .seconds(1)) } ?? Field.none
    fields["congestionWindow"] = Field(carried.congestionWindow)
    return fields
  }

  // MARK: - Channels

  private func open(_ request: Request) async throws -> [String: Field] {
    let label = try request.required(\.label, "label")
    guard channels[label] == nil else { throw Refusal(description: "there is a channel \(label)") }
    add(PeerChannel(try existing().createDataChannel(label, DataChannel.Options(request))))
    return [:]
  }

  private func add(_ channel: PeerChannel) {
    channels[channel.channel.label] = channel
    channel.begin()
  }

  private func channel(of request: Request) throws -> PeerChannel {
    let label = try request.required(\.label, "a label, if there is such a request,")
    guard let channel = channels[label] else { throw Refusal(description: "there is no channel \(label)") }
    return channel
  }
}
