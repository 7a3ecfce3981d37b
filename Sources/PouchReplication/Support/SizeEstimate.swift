/// How large the next documents may be, judging by the last ones.
struct SizeEstimate: Sendable, Equatable {
  /// The mean of recent documents in bytes.
  private(set) var mean = Double(ReplicationTuning.firstDocumentEstimate)

  /// How much weight the newest batch has against all that came before it.
  private static let newestShare = 0.3
  /// How much larger than the mean a batch may turn out before it is read in two parts.
  private static let headroom = 1.5

  /// Learns from documents that were read.
  mutating func observe(documents: Int, bytes: Int) {
    guard documents > 0 else { return }
    mean += (Double(bytes) / Double(documents) - mean) * SizeEstimate.newestShare
  }

  /// How many bytes to set aside for some documents, within the bounds of one request.
  func reservation(for documents: Int, atMost limit: Int) -> Int {
    let expected = mean * Double(documents) * SizeEstimate.headroom
    let least = min(ReplicationTuning.leastReservation, limit)
    return max(least, Int(min(expected, Double(limit))))
  }
}
