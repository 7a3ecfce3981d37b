import CouchAPI
import HTTPTypes
import PouchCore
import Synchronization
import TestSupport
import Testing

@testable import PeerTunnel

@Suite(.timeLimit(.minutes(1)))
struct SessionTests {
  @Test func `a request is answered`() async throws {
    try await SessionPair.with(serving: { request in
      #expect(request.method == .get)
      #expect(request.path == ["share-1", "a b/c"])
      #expect(request.query["rev"] == "1-a&b")
      #expect(request.headers[.accept] == "application/json")
      return Response(.ok, headers: [.eTag: "\"1-a\""], body: .bytes(Array("hello".utf8)))
    }) { pair in
      let request = Request(
        .get, ["share-1", "a b/c"], query: ["rev": "1-a&b"], headers: [.accept: "application/json"])
      let response = try await pair.opener.firstShare.send(request)
      #expect(response.status == .ok)
      #expect(response.headers[.eTag] == "\"1-a\"")
      #expect(try await response.body.collect(upTo: 10) == Array("hello".utf8))
    }
  }

  @Test(arguments: [0, 1, 16_376, 16_377, 100_000, 3_000_000])
  func `bodies of any length come as they went`(count: Int) async throws {
    var random = SeededGenerator(seed: UInt64(count))
    let bytes = random.bytes(count)
    try await SessionPair.with(serving: echo) { pair in
      let request = Request(.post, ["share-1"], body: .bytes(bytes))
      let answer = try await pair.opener.firstShare.send(request).body.collect(upTo: .max)
      #expect(answer == bytes)
    }
  }

  @Test(arguments: [0, 5_000, 70_000])
  func `the order is kept on a channel that often has no room`(capacity: Int) async throws {
    var random = SeededGenerator(seed: 4)
    let bodies = (0..<20).map { _ in random.bytes(200_000) }
    try await SessionPair.with(serving: echo, faults: ChannelFaults(seed: 4, longestDelay: 3, capacity: capacity)) {
      pair in
      let carrier = pair.opener.firstShare
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for body in bodies {
          group.addTask {
            let response = try await carrier.send(Request(.post, ["share-1"], body: .bytes(body)))
            return try await response.body.collect(upTo: .max) == body
          }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }
  }

  @Test func `a thousand requests at once are all answered`() async throws {
    try await SessionPair.with(serving: { request in
      Response(.ok, body: .bytes(Array((request.path.last ?? "").utf8)))
    }) { pair in
      let carrier = pair.opener.firstShare
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<1000 {
          group.addTask {
            let response = try await carrier.send(Request(.get, ["share-1", "\(number)"]))
            return try await response.body.collect(upTo: 100) == Array("\(number)".utf8)
          }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }
  }
}
