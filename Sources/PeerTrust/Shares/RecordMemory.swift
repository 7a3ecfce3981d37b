public import PouchCore

/// Which record of a share holds: the highest that was ever seen of it.
///
/// A hub can hold back a newer record, but never bring back an older one. The memory is bounded by
/// ``TrustLimits/rememberedShares``: the share not met for longest is forgotten first.
public struct RecordMemory: Sendable {
  private var highest: [ShareID: (number: Int, met: Int)] = [:]
  private var meetings = 0

  /// Remembers nothing yet.
  public init() {}

  /// The record that holds among the leaves of a share's document: the valid one of the highest number.
  ///
  /// Of several with the same number it is the one whose bytes come last, so that all readers agree.
  /// - Throws: ``Rejection/number`` if every valid one is older than one seen before; the rejection of the first leaf
  ///   if none is valid; ``Rejection/form(_:)`` if there are no leaves.
  public mutating func choose(among leaves: [Document], of id: ShareID) throws(Rejection) -> SignedRecord {
    var chosen: SignedRecord?
    var rejection: Rejection?
    for leaf in leaves {
      do throws(Rejection) {
        let record = try SignedRecord(leaf)
        guard record.record.id == id else { throw .id }
        if chosen.map({ $0.isReplaced(by: record) }) ?? true { chosen = record }
      } catch {
        rejection = rejection ?? error
      }
    }
    guard let chosen else { throw rejection ?? .form("leaves") }
    guard chosen.record.number >= highest[id]?.number ?? 1 else { throw .number }
    remember(chosen.record.number, of: id)
    return chosen
  }

  private mutating func remember(_ number: Int, of id: ShareID) {
    meetings += 1
    highest[id] = (number, meetings)
    if highest.count > TrustLimits.rememberedShares, let oldest = highest.min(by: { $0.value.met < $1.value.met }) {
      highest[oldest.key] = nil
    }
  }
}

extension SignedRecord {
  fileprivate func isReplaced(by other: SignedRecord) -> Bool {
    if record.number != other.record.number { return record.number < other.record.number }
    return bytes.lexicographicallyPrecedes(other.bytes)
  }
}
