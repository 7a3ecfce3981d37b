import Foundation

/// Names of database files.
enum FilePath {
  /// The absolute path with symbolic links resolved, so that one file has one name. The file itself may be missing.
  static func resolve(_ path: String) -> String {
    let url = URL(fileURLWithPath: path)
    if FileManager.default.fileExists(atPath: url.path) { return url.resolvingSymlinksInPath().path }
    return url.deletingLastPathComponent().resolvingSymlinksInPath().appendingPathComponent(url.lastPathComponent).path
  }

  /// The last part without its extension.
  static func name(of path: String) -> String {
    URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
  }
}
