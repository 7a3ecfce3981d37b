import CouchAPI
import HTTPTypes
import PouchCore
import Synchronization
import Testing

@testable import PeerTunnel

@Suite(.timeLimit(.minutes(1)))
struct CancellationTests {
  private static let request = Request(.get, ["share-1"])

  @Test func `cancelling a request that waits cancels the work on the other side`() async throws {
    let started = Signal()
    let cancelled = Signal()
    try await SessionPair.with(serving: { _ in
      started.happen()
      await Signal.cancellation()
      cancelled.happen()
      return Response(.ok)
    }) { pair in
      let task = Task { try await pair.opener.firstShare.send(Self.request) }
      await started.wait()
      task.cancel()
      await expectError(.cancelled) { _ = try await task.value }
      await cancelled.wait()
    }
  }

  @Test func `a task that was cancelled before sends nothing`() async throws {
    try await SessionPair.with(serving: { _ in
      Issue.record("The request was sent.")
      return Response(.ok)
    }) { pair in
      let started = Signal()
      let task = Task {
        await started.wait()
        return try await pair.opener.firstShare.send(Self.request)
      }
      task.cancel()
      started.happen()
      await expectError(.cancelled) { _ = try await task.value }
    }
  }

  @Test func `cancelling the reader of a body ends its maker`() async throws {
    let dropped = Signal()
    try await SessionPair.with(serving: { _ in
      let token = DropSignal(dropped)
      return Response(
        .ok,
        body: .stream(
          ByteStream {
            var isFirst = true
            return {
              defer { withExtendedLifetime(token) {} }
              if isFirst {
                isFirst = false
                return [1, 2, 3]
              }
              await Signal.cancellation()
              throw CancellationError()
            }
          }, length: nil))
    }) { pair in
      let read = Signal()
      let task = Task {
        let response = try await pair.opener.firstShare.send(Self.request)
        var pieces = response.body.stream.makeAsyncIterator()
        #expect(try await pieces.next() == [1, 2, 3])
        read.happen()
        return try await pieces.next()
      }
      await read.wait()
      task.cancel()
      await expectError(.cancelled) { _ = try await task.value }
      await dropped.wait()
    }
  }

  @Test func `dropping a response unread ends its maker`() async throws {
    let dropped = Signal()
    try await SessionPair.with(serving: { _ in
      let token = DropSignal(dropped)
      return Response(
        .ok,
        body: .stream(
          ByteStream {
            {
              defer { withExtendedLifetime(token) {} }
              return [UInt8](repeating: 1, count: 100_000)
            }
          }, length: nil))
    }) { pair in
      let response = try await pair.opener.firstShare.send(Self.request)
      #expect(response.status == .ok)
      _ = consume response
      await dropped.wait()
    }
  }

  @Test func `a response goes on when the task that sent the request has ended`() async throws {
    try await SessionPair.with(serving: echo) { pair in
      let body = Body.stream(ByteStream([1, 2, 3]), length: nil)
      let response = try await Task {
        try await pair.opener.firstShare.send(Request(.post, ["share-1"], body: body))
      }.value
      #expect(try await response.body.collect(upTo: 10) == [1, 2, 3])
    }
  }

  @Test func `a body that fails on the other side fails here`() async throws {
    try await SessionPair.with(serving: { _ in
      Response(
        .ok,
        body: .stream(
          ByteStream {
            var isFirst = true
            return {
              defer { isFirst = false }
              if isFirst { return [1, 2, 3] }
              throw PouchError(.ioError)
            }
          }, length: 1000))
    }) { pair in
      // The failure overtakes the head if that has not gone yet.
      await expectError(.badResponse) {
        let response = try await pair.opener.firstShare.send(Self.request)
        _ = try await response.body.collect(upTo: 1000)
      }
    }
  }

  @Test func `a request whose body fails throws the body's own error`() async throws {
    struct Broken: Error {}
    let begun = Signal()
    let failed = Signal()
    try await SessionPair.with(serving: { request in
      do {
        for try await _ in request.body.stream { begun.happen() }
      } catch {
        failed.happen()
      }
      return Response(.ok)
    }) { pair in
      let bytes = ByteStream {
        var isFirst = true
        return {
          defer { isFirst = false }
          if isFirst { return [1] }
          await begun.wait()
          throw Broken()
        }
      }
      let body = Body.stream(bytes, length: nil)
      await #expect(throws: Broken.self) {
        _ = try await pair.opener.firstShare.send(Request(.put, ["share-1"], body: body))
      }
      await failed.wait()
    }
  }

  @Test(arguments: [2, 4])
  func `a request whose body has another length than it says is not completed`(length: Int64) async throws {
    try await SessionPair.with(serving: echo) { pair in
      let body = Body.stream(ByteStream([1, 2, 3]), length: length)
      await expectError(.badRequest) {
        _ = try await pair.opener.firstShare.send(Request(.put, ["share-1"], body: body))
      }
    }
  }
}
