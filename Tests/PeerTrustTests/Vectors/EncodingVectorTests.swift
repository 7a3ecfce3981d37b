import PouchCore
import Testing

@testable import PeerTrust

@Suite("Encodings")
struct EncodingVectorTests {
  let vectors: JSON

  init() throws { vectors = try Vectors.load("encodings") }

  private func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  @Test func `base64url has one text for each value`() throws {
    for vector in try vectors.elements("base64url") {
      let (bytes, text) = (hex(try vector.text("bytes")), try vector.text("text"))
      #expect(Base64URL.encode(bytes) == text)
      #expect(Base64URL.decode(text) == bytes)
    }
    for text in try vectors.elements("base64urlRefused") {
      #expect(Base64URL.decode(try #require(text.string)) == nil, "\(text)")
    }
  }

  @Test func `base32 is lower case and has one text for each value`() throws {
    for vector in try vectors.elements("base32") {
      let (bytes, text) = (hex(try vector.text("bytes")), try vector.text("text"))
      #expect(Base32.encode(bytes) == text)
      #expect(Base32.decode(text) == bytes)
    }
    for text in try vectors.elements("base32Refused") {
      #expect(Base32.decode(try #require(text.string)) == nil, "\(text)")
    }
  }

  @Test func `parts are joined with their lengths`() throws {
    for vector in try vectors.elements("L") {
      let parts = try vector.elements("parts").map { part -> Parts.Part in
        if let text = part["text"]?.string { return .text(text) }
        if let integer = part["integer"]?.int { return .integer(UInt32(integer)) }
        return .bytes(try part.bytes("bytes"))
      }
      let bytes = try vector.bytes("bytes")
      let joined =
        switch parts.count {
        case 0: Parts.join()
        case 1: Parts.join(parts[0])
        default: Parts.join(parts[0], parts[1], parts[2])
        }
      #expect(joined == bytes)
      #expect(Parts.split(bytes, into: parts.count) == parts.map(\.bytes))
      #expect(Parts.split(bytes, into: parts.count + 1) == nil)
      #expect(Parts.split(bytes + [0], into: parts.count) == nil)
      for length in 0..<bytes.count { #expect(Parts.split(Array(bytes[..<length]), into: parts.count) == nil) }
    }
  }

  @Test func `hash, code, derived key and sealed text are those of another implementation`() throws {
    let vector = try vectors.member("primitives")
    let (key, message) = (try vector.bytes("key"), try vector.bytes("message"))
    #expect(try Primitives.hash(message) == vector.bytes("H"))
    #expect(try Primitives.authenticate(message, key: key) == vector.bytes("HMAC"))
    #expect(
      try Primitives.derive(key, salt: Array("salt".utf8), info: "info", count: 48) == vector.bytes("HKDF"))
    let number = UInt32(try #require(vector["number"]?.int))
    let header = try vector.bytes("aad")
    let sealed = try vector.bytes("AEAD")
    #expect(Primitives.seal(message, key: key, number: number, header: header) == sealed)
    #expect(Primitives.open(sealed, key: key, number: number, header: header) == message)
    #expect(Primitives.open(sealed, key: key, number: number + 1, header: header) == nil)
    #expect(Primitives.open(sealed, key: key, number: number, header: header + [0]) == nil)
  }
}
