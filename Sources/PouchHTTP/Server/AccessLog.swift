import Logging

/// One line a request: method, path, status, bytes of the body sent, and time taken.
///
/// Of the URL only the path is shown, as queries may carry secrets; nothing in it can break the line or the terminal.
struct AccessLog: Sendable {
  private let logger: Logger
  let isOn: Bool

  init(_ logger: Logger) {
    self.logger = logger
    isOn = logger.logLevel <= .info
  }

  func write(method: String, target: String, status: Int, bytes: Int64, isComplete: Bool, duration: Duration) {
    guard isOn else { return }
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    let end = isComplete ? "" : " incomplete"
    logger.info("\(AccessLog.escaped(method)) \(AccessLog.path(target)) \(status) \(bytes)B \(milliseconds)ms\(end)")
  }

  static func path(_ target: String) -> String {
    escaped(target.prefix { $0 != "?" })
  }

  /// Text with everything but visible ASCII written as hexadecimal.
  private static func escaped(_ text: some StringProtocol) -> String {
    var line = ""
    for byte in text.utf8.prefix(HTTPTuning.loggedPath) {
      if (0x21...0x7E).contains(byte), byte != 0x22, byte != 0x5C {
        line.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        line += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    if text.utf8.count > HTTPTuning.loggedPath { line += "…" }
    return line
  }
}
