import ArgumentParser
import Foundation
import PeerPouch

struct IdentityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity", abstract: "Shows who this installation is to other peers, and whom it knows.",
    discussion: """
      An identity is a key that is made at the first use and kept in identity.pem in $PEERPOUCH_HOME. People know it by \
      its fingerprint, and compare the first 16 characters of it. A lost key is a lost identity.
      """,
    subcommands: [Show.self, Known.self, Forget.self], defaultSubcommand: Show.self)

  struct Show: PouchCommand {
    static let configuration = CommandConfiguration(abstract: "Prints the fingerprint of this installation.")

    @OptionGroup var common: CommonOptions

    func perform(_ console: Console) async throws {
      let own = try LocalPeer().identity.fingerprint
      if console.isJSON {
        try console.print(json: ["identity": JSON(own.text), "short": JSON(own.short)])
      } else {
        try console.print(own.text)
      }
    }
  }

  struct Known: PouchCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the identities that this installation has dealt with.",
      discussion: "Prints the fingerprint of each, when it was last met, and the names that it used.")

    @OptionGroup var common: CommonOptions

    func perform(_ console: Console) async throws {
      for entry in try LocalPeer().knownIdentities.all {
        if console.isJSON {
          try console.print(
            json: [
              "identity": JSON(entry.fingerprint.text), "met": JSON(entry.lastMet),
              "names": .array(entry.names.map { JSON($0) }),
            ])
        } else {
          let met = Date(timeIntervalSince1970: TimeInterval(entry.lastMet)).ISO8601Format()
          try console.print([entry.fingerprint.text, met] + entry.names.map(PeerText.plain))
        }
      }
    }
  }

  struct Forget: PouchCommand {
    static let configuration = CommandConfiguration(
      abstract: "Forgets an identity: disconnects it, and revokes the tickets that it used.",
      discussion: """
        Shares that run in other processes of this installation notice within a second. An identity that gets in by \
        another way, such as a share for anyone, can come back. Exits with 3 if it was not known; its tickets are revoked \
        all the same.
        """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The whole fingerprint.") var fingerprint: Fingerprint

    func perform(_ console: Console) async throws {
      let wasKnown = try await LocalPeer().forget(fingerprint)
      guard wasKnown else { throw PouchError(.notFound, "\(fingerprint.short) was not known.") }
      if console.isJSON { try console.print(json: ["ok": true]) }
    }
  }
}
