/// Why a session description, or a candidate, is refused.
///
/// It holds nothing of the refused text, and may be logged as it is.
public struct SDPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was read when the text was refused. The raw values are the names that RFC 8866 and its extensions use.
  public enum Field: String, Hashable, Sendable, CaseIterable {
    case version = "v="
    case origin = "o="
    case media = "m="
    case mid
    case group
    case iceUfrag = "ice-ufrag"
    case icePwd = "ice-pwd"
    case iceOptions = "ice-options"
    case fingerprint
    case setup
    case sctpPort = "sctp-port"
    case sctpmap
    case maxMessageSize = "max-message-size"
    case candidate
    case endOfCandidates = "end-of-candidates"
    case bundleOnly = "bundle-only"
  }

  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// The text is longer than ``SDPLimits/textBytes``.
    case textTooLong
    /// A line, or a candidate, is longer than ``SDPLimits/lineBytes``.
    case lineTooLong
    /// A control character other than the line's end.
    case controlCharacter
    /// A line that does not begin with a letter and `=`.
    case malformedLine
    /// Something without which there can be no connection.
    case missing(Field)
    /// Something that is not as its grammar has it, or is out of range.
    case malformed(Field)
    /// Something that may be there once only: a second attribute in one section, or one `mid` for two sections.
    case repeated(Field)
    /// More sections than ``SDPLimits/sections``, or more candidates in one of them than ``SDPLimits/candidates``.
    case tooMany(Field)
    /// A candidate that is well-formed, but of a type, a TCP type or with an address that this library does not know.
    ///
    /// In a description such candidates are skipped (RFC 8839, section 5.1).
    case unsupportedCandidate
    /// An answer that leaves the choice of the DTLS role to the offerer, who left it to the answerer
    /// (RFC 8842, section 5.3).
    case undecidedAnswer
  }

  /// What is wrong.
  public var reason: Reason

  /// The line's number in the text, from 1, or `nil` if no line is to blame.
  ///
  /// For what a section lacks, it is the line of its `m=`.
  public var line: Int?

  /// Makes an error.
  public init(_ reason: Reason, line: Int? = nil) {
    self.reason = reason
    self.line = line
  }

  public var description: String {
    guard let line else { return reason.text }
    return "line \(line): \(reason.text)"
  }
}

extension SDPError.Reason {
  fileprivate var text: String {
    switch self {
    case .textTooLong: "longer than \(SDPLimits.textBytes) bytes"
    case .lineTooLong: "a line of more than \(SDPLimits.lineBytes) bytes"
    case .controlCharacter: "a control character"
    case .malformedLine: "not a line of a session description"
    case .missing(let field): "\(field.rawValue) is missing"
    case .malformed(let field): "\(field.rawValue) is malformed"
    case .repeated(let field): "\(field.rawValue) is repeated"
    case .tooMany(.media): "more than \(SDPLimits.sections) sections"
    case .tooMany(.candidate): "more than \(SDPLimits.candidates) candidates in a section"
    case .tooMany(let field): "too many of \(field.rawValue)"
    case .unsupportedCandidate: "a candidate of an unknown kind"
    case .undecidedAnswer: "an answer must be active or passive"
    }
  }
}
