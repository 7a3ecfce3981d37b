/// The bounds within which selectors are read, each with its reason.
public struct SelectorLimits: Sendable, Hashable {
  /// Whether a selector may use `$regex`.
  public enum RegularExpressions: Sendable, Hashable {
    case allowed
    /// A selector that has one is refused: matching one can take far longer than its length suggests.
    case forbidden
  }

  /// The deepest nesting of arrays and objects. Matching recurses as deep.
  public var depth: Int
  /// The most values: operators, fields and operands together. Matching takes time in proportion.
  public var nodes: Int
  public var regularExpressions: RegularExpressions

  public init(depth: Int, nodes: Int, regularExpressions: RegularExpressions) {
    self.depth = depth
    self.nodes = nodes
    self.regularExpressions = regularExpressions
  }

  /// For selectors of this program and of users who have logged in: depth 128, 100,000 values.
  public static let standard = SelectorLimits(depth: 128, nodes: 100_000, regularExpressions: .allowed)
  /// For selectors of peers: depth 32, 1,000 values, and no regular expressions.
  public static let peers = SelectorLimits(depth: 32, nodes: 1000, regularExpressions: .forbidden)
}
