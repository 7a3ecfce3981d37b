import TestSupport
import Testing

@testable import PeerTrust

@Suite("Epochs")
struct EpochKeysTests {
  var generator = SeededGenerator(seed: 5)
  let start = ContinuousClock.now

  private mutating func someKey() -> AgreementKey { EphemeralKey(using: &generator).publicKey }

  @Test mutating func `a key is published for an hour`() {
    var epochs = EpochKeys(at: start, using: &generator)
    let first = epochs.published
    #expect(epochs.nextChange == start + TrustLimits.epochLife)
    epochs.advance(at: start + .seconds(3599), using: &generator)
    #expect(epochs.published == first)
    epochs.advance(at: start + .seconds(3600), using: &generator)
    #expect(epochs.published != first)
    #expect(epochs.epoch(of: first) != nil)
    #expect(epochs.nextChange == start + .seconds(4200))
    epochs.advance(at: start + .seconds(4199), using: &generator)
    #expect(epochs.epoch(of: first) != nil)
    epochs.advance(at: start + .seconds(4200), using: &generator)
    #expect(epochs.epoch(of: first) == nil)
  }

  @Test mutating func `after a long sleep the old key is gone at once`() {
    var epochs = EpochKeys(at: start, using: &generator)
    let first = epochs.published
    epochs.advance(at: start + .seconds(86400), using: &generator)
    #expect(epochs.published != first)
    #expect(epochs.epoch(of: first) == nil)
    #expect(epochs.nextChange == start + .seconds(86400 + 3600))
  }

  @Test mutating func `a key takes 4096 offers, and as many again as the predecessor`() {
    var epochs = EpochKeys(at: start, using: &generator)
    let first = epochs.published
    for _ in 1..<TrustLimits.epochOffers { epochs.remember(someKey(), in: first) }
    epochs.advance(at: start, using: &generator)
    #expect(epochs.published == first)
    epochs.remember(someKey(), in: first)
    epochs.advance(at: start, using: &generator)
    #expect(epochs.published != first)
    for _ in 1..<TrustLimits.epochOffers { epochs.remember(someKey(), in: first) }
    epochs.advance(at: start, using: &generator)
    #expect(epochs.epoch(of: first)?.seen.count == 2 * TrustLimits.epochOffers - 1)
    epochs.remember(someKey(), in: first)
    epochs.advance(at: start, using: &generator)
    #expect(epochs.epoch(of: first) == nil)
  }

  @Test mutating func `an epoch remembers its own offers only`() {
    var epochs = EpochKeys(at: start, using: &generator)
    let (first, offer, stranger) = (epochs.published, someKey(), someKey())
    epochs.remember(offer, in: first)
    epochs.remember(offer, in: stranger)
    #expect(epochs.epoch(of: stranger) == nil)
    epochs.advance(at: start + TrustLimits.epochLife, using: &generator)
    #expect(epochs.epoch(of: first)?.seen == [offer])
    #expect(epochs.epoch(of: epochs.published)?.seen == [])
  }
}
