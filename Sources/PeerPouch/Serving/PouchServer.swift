import CouchAPI
import Foundation
import PouchCore
public import PouchHTTP
import Synchronization

/// A CouchDB-compatible server over a folder of databases.
///
/// ```swift
/// let server = try PouchServer(PouchServerOptions(folder: "/srv/data"))
/// try await server.run { address in print(address.url) }
/// ```
public struct PouchServer: Sendable {
  /// The databases that are served.
  public let databases: DatabaseFolder
  private let options: PouchServerOptions
  private let files: ServerFiles
  private let identity: ServerFiles.Identity
  private let consoleToken: ConsoleToken?

  /// - Throws: ``PouchError/Code/ioError`` if the folder cannot be made or written to.
  public init(_ options: PouchServerOptions) throws {
    self.options = options
    databases = try DatabaseFolder(path: options.folder, options: options.store)
    files = ServerFiles(folder: options.folder)
    identity = try files.identity()
    let isOwnAdmins = options.access == .ownAdmin && options.pages == .served
    consoleToken = isOwnAdmins ? ConsoleToken(for: identity.secret) : nil
  }

  /// Where the console is of a server that listens at an address; `nil` if it has no pages.
  ///
  /// Of a server that made its admin's password up (``PouchServerOptions/Access/ownAdmin``) it carries a token behind the
  /// `#`, which begins a session of that admin once: whoever may not be the admin must not see it.
  public func console(at address: BoundAddress) -> String? {
    guard options.pages == .served else { return nil }
    return address.url + ServedPages.root + "/" + (consoleToken.map { "#token=" + $0.text } ?? "")
  }

  /// Serves until the task is cancelled. Requests under way are finished, live feeds ended, databases closed.
  /// - Parameter ready: called when the server listens.
  /// - Throws: ``PouchError/Code/unreachable`` if it cannot listen.
  public func run(ready: @escaping @Sendable (BoundAddress) async -> Void = { _ in }) async throws {
    let replications = Replications(databases)
    let access = access
    let pages = options.pages == .served ? ServedPages(access, consoleToken) : nil
    let router = Router(
      databases, access: access,
      options: RouterOptions(serverUUID: identity.uuid, replication: replications))
    let announcement = Mutex<ServerFiles.Announcement?>(nil)
    let server = try HTTPServer(configuration: configuration) { request in
      if let page = await pages?.respond(to: request) { return page }
      return await router.respond(to: request)
    } ready: { [files, options] address in
      // Without the file the command has to be told the password, and everything else works.
      let running = ServerFiles.Running(url: address.url, takesSecret: options.access == .ownAdmin)
      announcement.withLock { $0 = try? files.announce(running) }
      await ready(address)
    }
    defer { announcement.withLock { $0?.withdraw() } }
    let outcome: Result<Void, any Error>
    do {
      outcome = .success(try await server.run())
    } catch {
      outcome = .failure(error)
    }
    await replications.end()
    try await databases.close()
    try outcome.get()
  }

  /// The URL of a server on this machine with the admin's password in it, for a server that keeps one in its folder
  /// (``PouchServerOptions/Access/ownAdmin``) and runs now.
  /// - Parameters:
  ///   - url: the URL of a database, or of anything else at the server.
  ///   - folder: the server's.
  /// - Returns: a URL by the server's address, since the name `localhost` may lead to another process; `nil` if the URL
  ///   has credentials already, or no such server listens there.
  public static func authorized(_ url: String, folder: String = PouchHome.folder) -> String? {
    guard let slashes = url.range(of: "://"), let carrier = try? HTTPCarrier(url), carrier.credentials == nil else {
      return nil
    }
    let rest = url[slashes.upperBound...]
    let scheme = url[..<slashes.upperBound]
    let host = rest.prefix { $0 != "/" }.replacing("localhost:", with: "127.0.0.1:", maxReplacements: 1)
    guard let secret = ServerFiles(folder: folder).secret(for: "\(scheme)\(host)/") else { return nil }
    return "\(scheme)\(ServerFiles.adminName):\(secret)@\(host)\(rest.drop { $0 != "/" })"
  }

  private var access: any AccessPolicy {
    let policy: any AccessPolicy =
      switch options.access {
      case .ownAdmin: AdminAccounts([ServerFiles.adminName: identity.secret])
      case .admins(let accounts): AdminAccounts(accounts)
      case .adminParty: AdminParty()
      }
    return options.rights == .readOnly ? ReadOnly(policy) : policy
  }

  private var configuration: HTTPServerConfiguration {
    var configuration = HTTPServerConfiguration(host: options.host, port: options.port, logger: options.logger)
    configuration.hostNames = options.hostNames
    configuration.allowedOrigins = options.allowedOrigins
    configuration.audience = options.access == .adminParty ? .adminParty : .credentialed
    return configuration
  }
}
