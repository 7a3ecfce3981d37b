extension Array<UInt8> {
  /// Random bytes.
  /// - Parameter generator: a cryptographically secure one, except in tests.
  static func random(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }
}
