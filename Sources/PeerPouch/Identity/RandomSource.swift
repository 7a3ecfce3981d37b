/// Where chance comes from: keys, ids and jitter are drawn from it.
public struct RandomSource: RandomNumberGenerator, Sendable {
  private let draw: @Sendable () -> UInt64

  /// - Parameter draw: gives 64 random bits. For anything but tests it must be cryptographically secure.
  public init(_ draw: @escaping @Sendable () -> UInt64) {
    self.draw = draw
  }

  public func next() -> UInt64 { draw() }

  /// The system's cryptographically secure source.
  public static let system = RandomSource {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}
