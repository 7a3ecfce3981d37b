import ArgumentParser
import PeerPouch

/// What the command exits with. Those of the database's errors are in `PouchError.Code`.
enum ExitCodes {
  static let success: Int32 = 0
  static let failure: Int32 = 1
  static let usage: Int32 = 2
  static let conflict: Int32 = 4
  /// Ended by Ctrl-C or SIGTERM, as shells report it.
  static let interrupted: Int32 = 130

  static let discussion = """
    Exit codes: 0 fine, 1 error, 2 usage, 3 not found, 4 conflict, 5 refused, 130 interrupted. \
    (What goes on until it is interrupted, such as changes --live and share, then ends with 0.)
    """

  static func code(for error: any Error) -> Int32 {
    switch error {
    case let error as PouchError: error.code == .cancelled ? interrupted : error.code.exitCode
    case is UsageError: usage
    case is ClosedOutput: success
    case is CancellationError: interrupted
    case let error as ReportedFailure: error.exitCode
    default: ofParser(error)
    }
  }

  /// The parser of arguments has a number of its own for usage.
  private static func ofParser(_ error: any Error) -> Int32 {
    let code = PeerPouchCommand.exitCode(for: error)
    return code == .validationFailure ? usage : code.rawValue
  }
}

/// Arguments that cannot be, found out only while the command runs.
struct UsageError: Error {
  let reason: String
}

/// Nobody reads what is written any more.
struct ClosedOutput: Error {}

/// A failure whose particulars were reported already; it only decides the exit code.
struct ReportedFailure: Error {
  let exitCode: Int32
}
