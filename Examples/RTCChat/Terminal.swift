import Foundation

/// Lines in and out. Standard output has the description and what the peer says; hints go to standard error.
enum Terminal {
  private static let keyboard = DispatchQueue(label: "keyboard")

  /// The next line that is typed; `nil` at the end. Waiting for it takes a thread of its own, not one of Swift's few.
  static func readLine() async -> String? {
    await withCheckedContinuation { continuation in
      keyboard.async { continuation.resume(returning: Swift.readLine()) }
    }
  }

  /// Shows a line. Control characters of the peer's are not for this terminal.
  static func show(_ line: String) {
    let shown = line.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
    FileHandle.standardOutput.write(Data((String(shown) + "\n").utf8))
  }

  static func tell(_ hint: String) {
    FileHandle.standardError.write(Data((hint + "\n").utf8))
  }
}
