import CouchAPI
import HTTPTypes
import PeerTrust
import PouchCore
import Testing

@testable import PeerPouch
@testable import PeerTunnel

/// A remote that signals as it must, and then sends over its connection whatever it likes.
struct EvilRemote {
  let identity: PeerTrust.Fingerprint
  let channel: any MessageChannel
  private let link: any PeerLink
  private let trust: Session

  /// Asks for a connection to a share.
  /// - Parameter record: the record to believe; the hub's if `nil`.
  /// - Returns: `nil` if the sharer has looked at the offer and does not let it in.
  static func connect(
    to share: Share, by hub: any Database, _ transport: any PeerTransport, record: ShareRecord? = nil,
    as identity: Identity = Peers.identity()
  ) async throws -> EvilRemote? {
    let record = if let record { record } else { try SignedRecord(try await hub.get(DocumentID(share.id))).record }
    let link = try await transport.link(as: .opener, to: nil)
    var random = RandomSource.system
    let offer = try OutgoingOffer(
      to: record, from: identity, description: try await link.description(), using: &random)
    let position = try await hub.info().updateSequence
    try await hub.put(offer.signal.document)
    let feed = ChangesQuery(.live, since: .after(position), rows: .documents)
    for try await change in hub.changes(feed) {
      if let signal = change.document.flatMap({ try? Signal($0) }),
        case .accepted(let trust, let description)? = try? offer.open(signal)
      {
        try await link.connect(to: description)
        return EvilRemote(
          identity: identity.fingerprint, channel: try await link.channel(), link: link, trust: trust)
      }
      // Offers are looked at before they are deleted; an opening that has begun lasts until this side connects.
      guard change.id.text == offer.signal.id, change.isDeleted else { continue }
      if await share.desk.reception.pendingCount == 0 { break }
    }
    await link.close()
    return nil
  }

  /// Proves who it is.
  func sayHello(proof: [UInt8]? = nil, limits: TunnelLimits = TunnelLimits()) async throws {
    try await send(.hello, [], id: 0, Hello(limits, proof: proof ?? trust.hello).payload)
  }

  func send(
    _ kind: FrameKind, _ flags: FrameFlags = [], id: UInt32 = 0, _ payload: [UInt8] = []
  ) async throws {
    var message = MessageWriter(limit: TunnelLimits().message)
    message.append(kind, flags, id: id, payload: payload)
    try await channel.send(message.bytes)
  }

  /// The head of a request.
  static func head(
    _ method: HTTPRequest.Method, _ target: String, length: Int64? = 0
  ) throws -> [UInt8] {
    var head = RequestHead(share: 0, try Request(method, target: target))
    head.length = length
    return try head.payload(TunnelLimits())
  }

  /// Reads until a frame comes that is looked for.
  /// - Returns: its payload; `nil` if the connection ends before.
  func first(_ kind: FrameKind, id: UInt32 = 0) async throws -> [UInt8]? {
    while let message = try? await channel.receive() {
      var frames = FrameReader(message[...])
      while let frame = try frames.next() {
        if frame.kind == kind, frame.id == id { return Array(frame.payload) }
      }
    }
    return nil
  }

  func close() async { await link.close() }
}
