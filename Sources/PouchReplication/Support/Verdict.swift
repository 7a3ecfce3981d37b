import PouchCore

/// What an error means for what was being done.
enum Verdict: Sendable {
  /// The other side is away, overloaded or was cut off: the same may succeed later.
  case transient
  /// The other side failed in a way that may be its own trouble, or that of one document.
  case suspect
  /// What was sent or asked for is refused: the rest may pass without it.
  case content
  /// Nothing will pass: not allowed, not there, closed, cancelled.
  case fatal

  init(_ error: PouchError) {
    switch error.code {
    case .badResponse, .internalError: self = .suspect
    case .badRequest, .invalidDocument, .illegalDocumentID, .digestMismatch, .missingStub, .documentTooLarge,
      .requestTooLarge, .conflict, .queryParseError, .unsupportedMediaType, .notAcceptable, .rangeNotSatisfiable:
      self = .content
    case let code: self = code.isTransient ? .transient : .fatal
    }
  }

  /// Whether the same request may be sent again.
  var isWorthRetrying: Bool {
    switch self {
    case .transient, .suspect: true
    case .content, .fatal: false
    }
  }
}

extension PouchError {
  /// Any error as one of ours.
  init(wrapping error: any Error) {
    switch error {
    case let error as PouchError: self = error
    case is CancellationError: self = PouchError(.cancelled)
    default: self = PouchError(.internalError, underlying: error)
    }
  }

  /// Whether a smaller request might not have met this error.
  var mayPassInParts: Bool {
    switch Verdict(self) {
    case .content, .suspect: true
    case .transient: code == .timeout
    case .fatal: false
    }
  }
}
