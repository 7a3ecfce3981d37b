/// Who makes a request.
public struct Principal: Sendable, Hashable {
  /// How the principal was recognised.
  public enum Proof: Sendable, Hashable {
    /// Nobody was.
    case none
    /// Basic authentication.
    case password
    /// The cookie of a session.
    case cookie
    /// The policy takes everybody for an admin.
    case party
  }

  /// The name of the account; `nil` for anonymous requests.
  public var name: String?
  /// What the principal is: `_admin` for admins of the server.
  public var roles: [String]
  public var proof: Proof

  public init(name: String?, roles: [String] = [], proof: Proof) {
    self.name = name
    self.roles = roles
    self.proof = proof
  }

  /// Nobody in particular.
  public static let anonymous = Principal(name: nil, proof: .none)

  /// The role of admins of the server.
  public static let adminRole = "_admin"

  /// Whether everything is allowed.
  public var isServerAdmin: Bool { roles.contains(Principal.adminRole) }
}
