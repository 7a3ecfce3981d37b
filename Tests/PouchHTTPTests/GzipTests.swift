import CouchAPI
import HTTPTypes
import PouchCore
import PouchGzip
import Testing

@testable import PouchHTTP

@Suite struct GzipTests {
  @Test(arguments: [0, 1, 65536, 1_000_000]) func `what was compressed piece by piece comes back`(
    count: Int64
  ) async throws {
    let deflater = GzipDeflater()
    var compressed: [UInt8] = []
    for try await piece in pattern(count) { compressed += deflater.deflate(piece) }
    compressed += deflater.finish()
    for size in [1, 1000, Swift.max(1, compressed.count)] {
      let pieces = stride(from: 0, to: compressed.count, by: size).map {
        Array(compressed[$0..<Swift.min($0 + size, compressed.count)])
      }
      let stream = ByteStream {
        var rest = pieces[...]
        return { rest.popFirst() }
      }
      let plain = try await stream.inflated.bytes()
      let expected = try await pattern(count).bytes()
      #expect(plain == expected)
    }
  }

  @Test func `a compressed stream that is cut, or too much, is an error`() async throws {
    let compressed = GzipDeflater().finish([UInt8](repeating: 0, count: 1_000_000))
    await #expect(throws: PouchError.self) { try await ByteStream(compressed.dropLast(4)).inflated.bytes() }
    await #expect(throws: PouchError(.requestTooLarge)) {
      try await ByteStream(compressed).inflated(upTo: 999_999).bytes()
    }
    let whole = try await ByteStream(compressed).inflated(upTo: 1_000_000).bytes()
    #expect(whole.count == 1_000_000)
  }

  @Test(arguments: ["", "1"]) func `JSON is compressed for clients that accept it`(stream: String) async throws {
    try await withServer(respond: echo) { address in
      try await withCarrier(address.url) { carrier in
        let query: Query = stream.isEmpty ? [:] : ["stream": stream]
        let raw = try await carrier.send(
          Request(.get, ["text"], query: query, headers: [.acceptEncoding: "deflate, gzip;q=0.5"]))
        #expect(raw.headers[.contentEncoding] == "gzip")
        #expect(raw.headers[.vary] == "Accept-Encoding")
        let compressed = try await raw.body.collect(upTo: 100_000)
        #expect(compressed.count < 1000)
        let text = try await ByteStream(compressed).inflated.bytes()
        #expect(text.count == 8000)
        let plain = try await carrier.send(
          Request(.get, ["text"], query: query, headers: [.acceptEncoding: "gzip;q=0"]))
        #expect(plain.headers[.contentEncoding] == nil)
        let bytes = try await plain.body.collect(upTo: 100_000)
        #expect(bytes == text)
      }
    }
  }

  @Test func `the carrier decompresses what it has asked for`() async throws {
    try await withServer(respond: echo) { address in
      var configuration = HTTPCarrierConfiguration()
      configuration.compression = .always
      try await withCarrier(address.url, configuration) { carrier in
        let response = try await carrier.send(Request(.get, ["text"], query: ["stream": "1"]))
        #expect(response.headers[.contentEncoding] == nil)
        #expect(response.body.length == nil)
        let bytes = try await response.body.collect(upTo: 100_000)
        #expect(bytes.count == 8000)
      }
      configuration.maxInflated = 7999
      try await withCarrier(address.url, configuration) { carrier in
        let response = try await carrier.send(Request(.get, ["text"]))
        await #expect(throws: PouchError.self) { try await response.body.collect(upTo: 100_000) }
      }
    }
  }

  @Test func `a compressed request is decompressed, within the limit`() async throws {
    try await withServer(configuration { $0.maxRequestBody = 100_000 }, respond: echo) { address in
      try await withCarrier(address.url) { carrier in
        for (count, status) in [(100_000, HTTPResponse.Status.ok), (100_001, .badRequest)] {
          let body = GzipDeflater().finish([UInt8](repeating: 1, count: count))
          let response = try await carrier.send(
            Request(.post, ["sink"], headers: [.contentEncoding: "gzip"], body: .bytes(body)))
          #expect(response.status == status)
          let text = try await response.body.text()
          #expect(text == (status == .ok ? "100000" : "too_large: the request entity is too large"))
        }
        let unknown = try await carrier.send(
          Request(.post, ["sink"], headers: [.contentEncoding: "br"], body: .bytes([1])))
        #expect(unknown.status == .unsupportedMediaType)
      }
    }
  }

  @Test func `an attachment's encoding is its own`() async throws {
    let body = GzipDeflater().finish([1, 2, 3])
    try await withServer { request in
      Response(.ok, headers: [.eTag: request.headers[.contentEncoding] ?? ""], body: request.body)
    } _: { address in
      try await withCarrier(address.url) { carrier in
        for path in [["db", "doc", "att"], ["db", "_design/d", "att"], ["db", "_design", "d", "att"]] {
          let response = try await carrier.send(
            Request(.put, path, headers: [.contentEncoding: "gzip"], body: .bytes(body)))
          #expect(response.headers[.eTag] == "gzip")
          let bytes = try await response.body.collect(upTo: 1000)
          #expect(bytes == body)
        }
        for path in [["db", "doc"], ["db", "_design", "d"], ["db", "_local", "d"]] {
          let response = try await carrier.send(
            Request(.put, path, headers: [.contentEncoding: "gzip"], body: .bytes(body)))
          let bytes = try await response.body.collect(upTo: 1000)
          #expect(bytes == [1, 2, 3])
        }
      }
    }
  }

  @Test func `the access log shows no query, and nothing that could break its line`() {
    #expect(AccessLog.path("/db/_session?password=secret") == "/db/_session")
    #expect(AccessLog.path("/a\u{1B}[31m\n\"\\ä") == "/a\\x1b[31m\\x0a\\x22\\x5c\\xc3\\xa4")
    #expect(AccessLog.path(String(repeating: "a", count: 5000)).utf8.count < 1100)
  }
}
