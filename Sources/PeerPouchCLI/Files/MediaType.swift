/// Media types by the endings of file names: those that browsers show by themselves, and the commonest others.
enum MediaType {
  /// The type of a file of this name; `application/octet-stream` if it is not known.
  static func of(_ name: String) -> String {
    guard let dot = name.lastIndex(of: ".") else { return unknown }
    return types[name[name.index(after: dot)...].lowercased()] ?? unknown
  }

  private static let unknown = "application/octet-stream"

  private static let types = [
    "avif": "image/avif", "css": "text/css", "csv": "text/csv", "epub": "application/epub+zip", "gif": "image/gif",
    "gz": "application/gzip", "htm": "text/html", "html": "text/html", "jpeg": "image/jpeg", "jpg": "image/jpeg",
    "js": "text/javascript", "json": "application/json", "m4a": "audio/mp4", "md": "text/markdown",
    "mjs": "text/javascript", "mkv": "video/x-matroska", "mov": "video/quicktime", "mp3": "audio/mpeg",
    "mp4": "video/mp4", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg", "pdf": "application/pdf",
    "png": "image/png", "svg": "image/svg+xml", "tar": "application/x-tar", "txt": "text/plain",
    "wasm": "application/wasm", "wav": "audio/wav", "webm": "video/webm", "webp": "image/webp",
    "xml": "application/xml", "zip": "application/zip", "zst": "application/zstd",
  ]
}
