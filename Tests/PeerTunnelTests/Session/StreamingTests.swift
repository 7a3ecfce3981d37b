import CouchAPI
import HTTPTypes
import PouchCore
import Synchronization
import TestSupport
import Testing

@testable import PeerTunnel

@Suite(.timeLimit(.minutes(1)))
struct StreamingTests {
  /// A body without end, that counts what is taken of it.
  private static func endless(_ taken: Counter) -> ByteStream {
    ByteStream {
      {
        taken.count.withLock { $0 += 16_384 }
        return [UInt8](repeating: 7, count: 16_384)
      }
    }
  }

  @Test func `an early response is there while the request is still being sent`() async throws {
    let taken = Counter()
    try await SessionPair.with(serving: { _ in Response(.contentTooLarge, body: .bytes([1])) }) { pair in
      let body = Body.stream(Self.endless(taken), length: nil)
      let response = try await pair.opener.firstShare.send(Request(.put, ["share-1"], body: body))
      #expect(response.status == .contentTooLarge)
      #expect(try await response.body.collect(upTo: 10) == [1])
      // The rest of the body is not wanted, and not taken.
      try await pair.untilIdle()
      #expect(taken.value < 4 << 20)
    }
  }

  @Test func `requests and responses stream at the same time`() async throws {
    try await SessionPair.with(serving: { request in
      Response(.ok, body: .stream(request.body.stream, length: nil))
    }) { pair in
      let (input, feed) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingOldest(1))
      let body = Body.stream(ByteStream(input), length: nil)
      let response = try await pair.opener.firstShare.send(Request(.post, ["share-1"], body: body))
      var pieces = response.body.stream.makeAsyncIterator()
      for number: UInt8 in 0..<20 {
        feed.yield([number])
        #expect(try await pieces.next() == [number])
      }
      feed.finish()
      #expect(try await pieces.next() == nil)
    }
  }

  @Test func `a body is made no faster than it is read`() async throws {
    let taken = Counter()
    try await SessionPair.with(serving: { _ in
      Response(.ok, body: .stream(Self.endless(taken), length: nil))
    }) { pair in
      let response = try await pair.opener.firstShare.send(Request(.get, ["share-1"]))
      // Others are answered meanwhile; when a hundred were, the first has come as far as it can.
      for _ in 0..<100 { _ = try await pair.opener.firstShare.send(Request(.head, ["share-1"])) }
      let bound = TunnelLimits().streamCredit + TunnelLimits().unsentStream + 32_768
      #expect(taken.value <= bound * 101)
      let before = taken.value
      var pieces = response.body.stream.makeAsyncIterator()
      var read = 0
      while read < 2 << 20 { read += try await pieces.next()?.count ?? 0 }
      #expect(taken.value >= before)
    }
  }

  @Test func `a slow reader holds up nobody else`() async throws {
    let taken = Counter()
    try await SessionPair.with(serving: { request in
      request.method == .head
        ? Response(.ok) : Response(.ok, body: .stream(Self.endless(taken), length: nil))
    }) { pair in
      let unread = try await pair.opener.firstShare.send(Request(.get, ["share-1"]))
      for _ in 0..<200 { _ = try await pair.opener.firstShare.send(Request(.head, ["share-1"])) }
      #expect(taken.value <= TunnelLimits().streamCredit + TunnelLimits().unsentStream + 32_768)
      #expect(pair.opener.statistics.ownRequests == 1)
      withExtendedLifetime(unread) {}
    }
  }

  @Test func `attachments of many megabytes go both ways at once`() async throws {
    let size: Int64 = 20 << 20
    let piece = [UInt8](repeating: 3, count: 1 << 20)
    let bytes = ByteStream {
      var left = size
      return {
        guard left > 0 else { return nil }
        left -= Int64(piece.count)
        return piece
      }
    }
    try await SessionPair.with(serving: { request in
      guard request.method == .get else {
        let count = try? await request.body.stream.reduce(0) { $0 + $1.count }
        return Response(.ok, body: .bytes(Array("\(count ?? -1)".utf8)))
      }
      return Response(.ok, body: .stream(bytes, length: size))
    }) { pair in
      async let up = pair.opener.firstShare.send(
        Request(.put, ["share-1"], body: .stream(bytes, length: size))
      ).body.collect(upTo: 100)
      let down = try await pair.opener.firstShare.send(Request(.get, ["share-1"]))
      #expect(down.body.length == size)
      let count = try await down.body.stream.reduce(0) { $0 + $1.count }
      #expect(count == Int(size))
      let answer = try await up
      #expect(answer == Array("\(size)".utf8))
    }
  }
}

/// A number that several tasks add to.
final class Counter: Sendable {
  let count = Mutex(0)
  var value: Int { count.withLock(\.self) }
}

extension SessionPair {
  /// Waits until no request is under way on either side.
  func untilIdle() async throws {
    try await eventually { opener.statistics.ownRequests == 0 && sharer.statistics.peerRequests == 0 }
  }
}
