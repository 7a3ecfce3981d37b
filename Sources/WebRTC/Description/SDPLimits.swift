/// The bounds of what is read of a peer. Real descriptions stay below a tenth of them.
public enum SDPLimits {
  /// The longest description, in bytes of UTF-8.
  public static let textBytes = 64 * 1024
  /// The longest line or candidate, in bytes without the line's end.
  public static let lineBytes = 4 * 1024
  /// The most sections (`m=` lines) of a description.
  public static let sections = 32
  /// The most candidates of a section.
  public static let candidates = 64
  /// The longest `mid`, in characters; RFC 8829, section 5.2.1, advises 3.
  public static let midLength = 64
  /// The lengths of an ICE user fragment, in characters (RFC 8839, section 5.4).
  public static let ufragLength = 4...256
  /// The lengths of an ICE password, in characters (RFC 8839, section 5.4).
  public static let passwordLength = 22...256
  /// The longest foundation of a candidate, in characters (RFC 8839, section 5.1).
  public static let foundationLength = 32
}
