import ArgumentParser
import Foundation
import Logging
import PeerPouch

struct Serve: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves databases to CouchDB clients by HTTP.",
    discussion: """
      Serves the databases in a folder, by default those that plain names open, with CouchDB's API: for PouchDB in \
      browsers, CouchDB's replicator, curl, and this command, which takes http:// URLs in place of a database.

      Without --admin, --admin-file or --admin-party the first start makes up a password for the admin 'admin' and keeps \
      it in server.json in the folder, readable by you only; this command finds it there by itself.
      """)

  @OptionGroup var common: CommonOptions
  @Option(help: "The address to listen on; 0.0.0.0 for every one.") var host = "127.0.0.1"
  @Option(help: "The port; 0 takes a free one.") var port = 5984
  @Option(help: ArgumentHelp("The folder of the databases.", valueName: "folder")) var data: String?
  @Option(
    help: ArgumentHelp(
      "An admin. Other users of this machine can see it in the list of processes; --admin-file keeps it from them.",
      valueName: "name:password"))
  var admin: String?
  @Option(help: ArgumentHelp("A file with NAME:PASSWORD in its first line.", valueName: "file")) var adminFile: String?
  @Flag(help: "Everybody is an admin; only on the loopback address.") var adminParty = false
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Origins whose web pages may use the server.", valueName: "origin"))
  var cors: [String] = []
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Names by which clients call the server, such as that of a proxy.", valueName: "name"))
  var serverName: [String] = []
  @Flag(help: "Nothing can be written but checkpoints.") var readOnly = false
  @Flag(help: "Log each request on standard error.") var log = false

  var isLive: Bool { true }

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port is a number from 0 to 65535.") }
    guard [admin != nil, adminFile != nil, adminParty].count(where: { $0 }) <= 1 else {
      throw ValidationError("--admin, --admin-file and --admin-party exclude each other.")
    }
    if let admin { _ = try Serve.account(admin) }
  }

  func perform(_ console: Console) async throws {
    var options = PouchServerOptions(folder: data ?? PouchHome.folder)
    options.host = host
    options.port = port
    options.hostNames = Set(serverName)
    options.allowedOrigins = Set(cors)
    options.rights = readOnly ? .readOnly : .readWrite
    options.access = try access
    options.logger = Logger(label: "peerpouch.http") { _ in
      RequestLog(diagnostics: console.diagnostics, logLevel: log ? .info : .error)
    }
    let server = try PouchServer(options)
    try await server.run { [folder = options.folder] address in
      let pages = server.console(at: address)
      // Scripts wait for this line.
      if console.isJSON {
        try? console.print(json: [
          "url": JSON(address.url), "port": JSON(address.port), "console": pages.map { JSON($0) } ?? nil,
        ])
      } else {
        try? console.print("Serving \(folder) at \(address.url)")
        if let pages { try? console.print("Console: \(pages)") }
      }
      try? console.output.flush()
    }
    try Task.checkCancellation()
  }

  private var access: PouchServerOptions.Access {
    get throws {
      if adminParty { return .adminParty }
      if let admin { return .admins(try Serve.account(admin)) }
      guard let adminFile else { return .ownAdmin }
      guard let data = FileManager.default.contents(atPath: adminFile),
        let line = String(validating: data, as: UTF8.self)?.split(whereSeparator: \.isNewline).first
      else { throw PouchError(.ioError, "\(adminFile) cannot be read.") }
      return .admins(try Serve.account(String(line)))
    }
  }

  private static func account(_ text: String) throws -> [String: String] {
    guard let colon = text.firstIndex(of: ":"), colon != text.startIndex, text.index(after: colon) != text.endIndex
    else { throw ValidationError("An admin is NAME:PASSWORD.") }
    return [String(text[..<colon]): String(text[text.index(after: colon)...])]
  }
}

/// Writes what a server logs to standard error, a line each.
private struct RequestLog: LogHandler {
  let diagnostics: Diagnostics
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { (name: $0.key, value: "\($0.value)") }
    diagnostics.log("\(event.message)", details)
  }
}
