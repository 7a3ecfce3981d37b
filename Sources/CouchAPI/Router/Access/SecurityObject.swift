import PouchCore

/// A database's `_security`: who its admins and members are, as CouchDB 3 reads it.
struct SecurityObject {
  private struct Group {
    var names: [String] = []
    var roles: [String] = []

    init(_ json: JSON?) {
      names = json?["names"]?.array?.compactMap(\.string) ?? []
      roles = json?["roles"]?.array?.compactMap(\.string) ?? []
    }

    var isEmpty: Bool { names.isEmpty && roles.isEmpty }

    func includes(_ principal: Principal) -> Bool {
      principal.name.map(names.contains) == true || principal.roles.contains(where: roles.contains)
    }
  }

  private let admins: Group
  private let members: Group

  init(_ json: JSON) {
    admins = Group(json["admins"])
    members = Group(json["members"])
  }

  /// Only admins of the server: what a new database has until another one is set.
  static let adminsOnly: JSON = [
    "members": ["roles": [JSON(Principal.adminRole)]], "admins": ["roles": [JSON(Principal.adminRole)]],
  ]

  func hasAdmin(_ principal: Principal) -> Bool {
    principal.isServerAdmin || admins.includes(principal)
  }

  /// A database without members is everybody's.
  func hasMember(_ principal: Principal) -> Bool {
    members.isEmpty || hasAdmin(principal) || members.includes(principal)
  }

  /// Checks an object that is to be stored.
  /// - Throws: ``PouchError/Code/badRequest``.
  static func check(_ json: JSON) throws(PouchError) {
    guard json.object != nil else { throw PouchError(.badRequest, "Security object must be a JSON object") }
    for name in ["admins", "members"] as [ExactString] {
      guard let group = json[name] else { continue }
      guard group.object != nil else { throw PouchError(.badRequest, "\(name) must be a JSON object") }
      for list in ["names", "roles"] as [ExactString] {
        guard let members = group[list] else { continue }
        guard let members = members.array, members.allSatisfy({ $0.string != nil }) else {
          throw PouchError(.badRequest, "\(list) must be a JSON list of strings")
        }
      }
    }
  }

  /// The object as it is stored: an empty one means "nothing was set" to a ``DatabaseSet``, so one that was set on
  /// purpose, which opens the database to everybody, is spelled out.
  static func stored(_ json: JSON) -> JSON {
    json.object?.isEmpty == true ? ["admins": [:], "members": [:]] : json
  }
}
