import Crypto
import HTTPTypes
public import PouchCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Admins of the server by name and password, and everybody else as anonymous: CouchDB 3 with its `[admins]`.
///
/// Requests carry basic authentication or the cookie of a session. What anonymous requests may do, a database's
/// `_security` says; until one is set a database is for admins only.
public struct AdminAccounts: AccessPolicy {
  private let accounts: [String: Account]
  private let sessions: SessionCookies
  private let passwords: PasswordDigests
  private let proven = ProvenCredentials()

  private struct Account: Sendable {
    let password: PasswordDigests.Digest
    /// Part of what signs the account's cookies: a new password ends old sessions.
    let salt: [UInt8]
  }

  /// - Parameters:
  ///   - accounts: the passwords by name. A name has no colon.
  ///   - secret: signs the cookies of sessions; sessions survive a restart when it is the same again. Random unless
  ///     given.
  public init(_ accounts: [String: String], secret: [UInt8]? = nil) {
    let passwords = PasswordDigests()
    let sessions = SessionCookies(secret: secret ?? SymmetricKey(size: .bits256).withUnsafeBytes(Array.init))
    self.passwords = passwords
    self.sessions = sessions
    self.accounts = accounts.mapValues { password in
      Account(password: passwords.digest(password), salt: sessions.salt(for: password))
    }
  }

  public func authenticate(_ request: Request) async throws -> Authentication {
    if let header = request.headers[.authorization] {
      if let principal = proven.principal(for: header) { return Authentication(principal) }
      if let credentials = try BasicCredentials(header) {
        let principal = try verify(credentials.name, credentials.password, .password)
        proven.keep(header, for: principal)
        return Authentication(principal)
      }
    }
    guard let cookie = SessionCookies.value(in: request.headers) else { return Authentication(.anonymous) }
    let claim = try SessionCookies.Claim(cookie)
    let now = Self.now
    guard let account = accounts[claim.name], sessions.isValid(claim, salt: account.salt, at: now) else {
      return Authentication(.anonymous)
    }
    return Authentication(
      Principal(name: claim.name, roles: [Principal.adminRole], proof: .cookie),
      renewedCookie: claim.isDueForRenewal(at: now) ? cookieHeader(claim.name, account) : nil)
  }

  public func logIn(name: String, password: String) async throws -> Authentication {
    let principal = try verify(name, password, .cookie)
    return Authentication(principal, renewedCookie: accounts[name].map { cookieHeader(name, $0) })
  }

  public var endingCookie: String? { SessionCookies.ending }

  /// For admins of the server only.
  public var defaultSecurity: JSON { SecurityObject.adminsOnly }

  public func authorize(
    _ operation: Operation, by principal: Principal, on database: String?, of databases: any DatabaseSet
  ) async throws {
    if principal.isServerAdmin { return }
    guard let database else {
      guard operation == .greet else { throw PouchError(.unauthorized, "You are not a server admin.") }
      return
    }
    let stored = try await databases.security(of: database)
    let security = SecurityObject(stored.object?.isEmpty == true ? defaultSecurity : stored)
    guard security.hasMember(principal) else {
      throw principal.name == nil
        ? PouchError(.unauthorized, "You are not authorized to access this db.")
        : PouchError(.forbidden, "You are not allowed to access this db.")
    }
    if operation.isForDatabaseAdmins, !security.hasAdmin(principal) {
      throw PouchError(.unauthorized, "You are not a db or server admin.")
    }
  }

  /// Checks a password. Takes as long for names that do not exist.
  private func verify(_ name: String, _ password: String, _ proof: Principal.Proof) throws -> Principal {
    let given = passwords.digest(password)
    let account = accounts[name]
    guard passwords.matches(given, account?.password), account != nil else { throw PouchError(.unauthorized) }
    return Principal(name: name, roles: [Principal.adminRole], proof: proof)
  }

  private func cookieHeader(_ name: String, _ account: Account) -> String {
    sessions.header(for: name, salt: account.salt, at: Self.now)
  }

  /// Seconds since 1970.
  private static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}

extension Operation {
  /// Whether members of a database are not enough.
  var isForDatabaseAdmins: Bool {
    switch self {
    case .writeDesignDocuments, .writeSecurity, .maintain, .purge: true
    default: false
    }
  }
}

/// Passwords in a form that tells nothing, and whose comparison takes the same time wherever they differ.
private struct PasswordDigests: Sendable {
  typealias Digest = HMAC<SHA256>.MAC

  private let key = SymmetricKey(size: .bits256)
  private let none: Digest

  init() {
    none = HMAC<SHA256>.authenticationCode(for: [] as [UInt8], using: key)
  }

  func digest(_ password: String) -> Digest {
    HMAC<SHA256>.authenticationCode(for: Array(password.utf8), using: key)
  }

  /// Whether a password is the right one. `==` of authentication codes takes constant time.
  func matches(_ given: Digest, _ right: Digest?) -> Bool { given == right ?? none }
}
