import PouchCore
import TestSupport
import Testing

@testable import PeerTrust

@Suite("Identities")
struct IdentityTests {
  var generator = SeededGenerator(seed: 3)

  @Test mutating func `an identity comes back from its file`() throws {
    let identity = Identity(using: &generator)
    let saved = identity.saved
    #expect(String(decoding: saved, as: UTF8.self).hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
    let loaded = try #require(Identity(saved: saved))
    #expect(loaded.key == identity.key)
    #expect(identity.key.verifies(loaded.sign([1, 2, 3]), of: [1, 2, 3]))
  }

  @Test mutating func `a damaged file is no identity`() throws {
    let saved = Identity(using: &generator).saved
    #expect(Identity(saved: []) == nil)
    #expect(Identity(saved: Array(saved.dropFirst(10))) == nil)
    #expect(Identity(saved: Array(saved.prefix(100))) == nil)
    #expect(Identity(saved: .init(repeating: 0xFF, count: 300)) == nil)
  }

  @Test func `zero and numbers beyond the order are no keys`() {
    #expect(Identity(scalar: .init(repeating: 0, count: 32)) == nil)
    #expect(Identity(scalar: .init(repeating: 0xFF, count: 32)) == nil)
    #expect(EphemeralKey(scalar: .init(repeating: 0, count: 32)) == nil)
    #expect(EphemeralKey(scalar: .init(repeating: 1, count: 31)) == nil)
  }

  @Test mutating func `a signature holds for its message and its key only`() {
    let (one, other) = (Identity(using: &generator), Identity(using: &generator))
    let signature = one.sign([1])
    #expect(signature.count == Identity.signatureLength)
    #expect(one.key.verifies(signature, of: [1]))
    #expect(!one.key.verifies(signature, of: [2]))
    #expect(!other.key.verifies(signature, of: [1]))
    for bit in 0..<512 {
      var flipped = signature
      flipped[bit / 8] ^= 1 << (bit % 8)
      #expect(!one.key.verifies(flipped, of: [1]))
    }
    #expect(!one.key.verifies([], of: [1]))
    #expect(!one.key.verifies(Array(signature.dropLast()), of: [1]))
    #expect(!one.key.verifies(signature + [0], of: [1]))
  }

  @Test mutating func `only uncompressed points on the curve are keys`() {
    let point = Identity(using: &generator).key.bytes
    #expect(IdentityKey(point) != nil)
    #expect(AgreementKey(point) != nil)
    let compressed = [2 + point[64] & 1] + point[1..<33]
    var offCurve = point
    offCurve[64] ^= 1
    var hybrid = point
    hybrid[0] = 6 + point[64] & 1
    for bytes in [
      [], [0], compressed, offCurve, hybrid, point + [0], Array(point.dropLast()), .init(repeating: 0, count: 65),
    ] {
      #expect(IdentityKey(bytes) == nil)
      #expect(AgreementKey(bytes) == nil)
    }
  }

  @Test mutating func `a fingerprint is read as people type it`() {
    let fingerprint = Identity(using: &generator).fingerprint
    #expect(fingerprint.text.count == 52)
    #expect(Fingerprint(fingerprint.text.uppercased()) == fingerprint)
    let grouped =
      fingerprint.text.prefix(4) + "-" + fingerprint.text.dropFirst(4).prefix(8) + " " + fingerprint.text.dropFirst(12)
    #expect(Fingerprint(String(grouped)) == fingerprint)
    #expect(fingerprint.short.count == 19)
    #expect(fingerprint.text.hasPrefix(fingerprint.short.filter { $0 != "-" }))
    #expect(Fingerprint("") == nil)
    #expect(Fingerprint(String(fingerprint.text.dropLast())) == nil)
    #expect(Fingerprint(fingerprint.text + "a") == nil)
  }
}

@Suite("Known identities")
struct KnownIdentitiesTests {
  var generator = SeededGenerator(seed: 4)
  var known = KnownIdentities()

  private mutating func someone() -> Fingerprint {
    Fingerprint(digest: .random(32, using: &generator))
  }

  @Test mutating func `a known name under another key is a reason to warn`() {
    let (alice, mallory) = (someone(), someone())
    #expect(known.standing(of: alice, named: "alice") == .new)
    known.remember(alice, named: "alice", at: 1)
    #expect(known.standing(of: alice, named: "alice") == .known)
    #expect(known.standing(of: alice, named: "al") == .known)
    #expect(known.standing(of: mallory, named: "alice") == .nameOfOthers([alice]))
    #expect(known.standing(of: mallory, named: "mallory") == .new)
    known.remember(mallory, named: "mallory", at: 2)
    #expect(known.standing(of: mallory, named: "alice") == .nameOfOthers([alice]))
    // Even when the user let it in, the first one goes on having its name.
    known.remember(mallory, named: "alice", at: 3)
    #expect(known.standing(of: alice, named: "alice") == .known)
  }

  @Test(arguments: [
    "alice\u{202E}", "al\u{200B}ice", "Alice", " alice ", "a\u{AD}lice\u{E0041}", "alice\u{FE0F}", "\u{FEFF}alice",
  ])
  mutating func `a name that looks like a known one is a reason to warn`(name: String) {
    let (alice, mallory) = (someone(), someone())
    known.remember(alice, named: "alice", at: 1)
    #expect(known.standing(of: mallory, named: name) == .nameOfOthers([alice]))
    #expect(known.standing(of: alice, named: name) == .known)
    // Also where it is the known one that has the characters.
    known.forget(alice)
    known.remember(alice, named: name, at: 2)
    #expect(known.standing(of: mallory, named: "alice") == .nameOfOthers([alice]))
  }

  @Test mutating func `names of which nothing shows are none`() {
    let (alice, bob) = (someone(), someone())
    known.remember(alice, named: "\u{200B}", at: 1)
    #expect(known.standing(of: bob, named: "\u{200D}") == .new)
  }

  @Test mutating func `a forgotten identity is new again, and its names are free`() {
    let (alice, bob) = (someone(), someone())
    known.remember(alice, named: "alice", at: 1)
    let wasKnown = [known.forget(alice), known.forget(alice)]
    #expect(wasKnown == [true, false])
    #expect(known.standing(of: bob, named: "alice") == .new)
  }

  @Test mutating func `the list comes back from its JSON`() {
    let (alice, bob) = (someone(), someone())
    known.remember(alice, named: "alice", at: 1)
    known.remember(bob, named: "bob", at: 2)
    known.remember(alice, named: "al", at: 3)
    #expect(KnownIdentities(known.json) == known)
    #expect(known.all.map(\.fingerprint) == [bob, alice])
    #expect(KnownIdentities(["known": [["fingerprint": "x"], 7]]).all.isEmpty)
    #expect(KnownIdentities(nil).all.isEmpty)
  }

  @Test mutating func `the identity not met for longest makes room`() {
    let first = someone()
    known.remember(first, named: "", at: 0)
    for number in 1...TrustLimits.knownIdentities { known.remember(someone(), named: "", at: number) }
    #expect(known.all.count == TrustLimits.knownIdentities)
    #expect(known.standing(of: first, named: "") == .new)
  }

  @Test mutating func `few names of an identity are kept, and none that is too long`() {
    let alice = someone()
    for number in 0..<20 { known.remember(alice, named: "alice \(number)", at: number) }
    known.remember(alice, named: String(repeating: "a", count: 129), at: 20)
    #expect(known.all.first?.names == (12..<20).map { "alice \($0)" })
    #expect(known.all.first?.lastMet == 20)
  }
}
