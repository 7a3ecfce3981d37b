import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PeerTunnel

/// Two sessions that are connected, and run as long as the body does.
struct SessionPair: Sendable {
  let opener: TunnelSession
  let sharer: TunnelSession
  let channel: MemoryChannel
  /// How each of them ended, once it has.
  let openerEnd: Task<SessionEnd, Never>
  let sharerEnd: Task<SessionEnd, Never>

  static let proof: [UInt8] = Array("a proof of 32 bytes, as HMACs are".utf8.prefix(32))

  /// What proves and accepts the same on both sides.
  static var hello: HelloProof { HelloProof(own: proof) { $0 == proof } }

  static func with<Value: Sendable>(
    serving handler: @escaping ShareHandler, faults: ChannelFaults = ChannelFaults(),
    limits: TunnelLimits = TunnelLimits(),
    openersProof: HelloProof = SessionPair.hello, openersHandlers: [String: ShareHandler] = [:],
    decide: @escaping @Sendable (ShareOpening) async -> ShareDecision = { _ in .refused("no") },
    _ body: (SessionPair) async throws -> Value
  ) async throws -> Value {
    let (left, right) = MemoryChannel.pair(faults)
    let opener = TunnelSession(left, .opener, openersProof, limits: limits) { opening in
      openersHandlers[opening.share].map(ShareDecision.accepted) ?? .refused("There is no such share.")
    }
    let sharer = TunnelSession(
      right, .sharer(share: "share-1", handler), SessionPair.hello, limits: limits, decide: decide)
    let pair = SessionPair(
      opener: opener, sharer: sharer, channel: left, openerEnd: Task { await opener.run() },
      sharerEnd: Task { await sharer.run() })
    do {
      let value = try await body(pair)
      await pair.end()
      return value
    } catch {
      await pair.end()
      throw error
    }
  }

  private func end() async {
    opener.leave()
    sharer.leave()
    _ = await openerEnd.value
    _ = await sharerEnd.value
  }
}

/// A handler that answers with what it was sent.
@Sendable func echo(_ request: Request) async -> Response {
  do {
    let bytes = try await request.body.collect(upTo: .max)
    return Response(.ok, headers: [.contentType: "application/octet-stream"], body: .bytes(bytes))
  } catch {
    return Response(.internalServerError, body: .bytes(Array("\(error)".utf8)))
  }
}

/// Checks that something throws a ``PouchError`` of a code.
func expectError(
  _ code: PouchError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("Expected \(code), but nothing was thrown", sourceLocation: sourceLocation)
  } catch let error as PouchError {
    #expect(error.code == code, sourceLocation: sourceLocation)
  } catch {
    Issue.record("Expected \(code), but got \(error)", sourceLocation: sourceLocation)
  }
}
