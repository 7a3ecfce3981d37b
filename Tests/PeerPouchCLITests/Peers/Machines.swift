#if WebRTC
  import Foundation
  import PeerPouch
  import Testing

  /// A hub at a server of its own, with a password, and machines that know it.
  struct Machines {
    let server: RunningCommand
    /// With the user and password.
    let hub: String
    private let home: Home

    static func with(_ body: (Machines) async throws -> Void) async throws {
      try await Home.with { home in
        let machines = try await Machines(home)
        try await body(machines)
        #expect(await machines.server.interrupt() == 0)
      }
    }

    private init(_ home: Home) async throws {
      self.home = home
      server = try RunningCommand(
        "serve", "--json", "--port", "0", "--data", home.path("server"), "--admin", "jan:secret", in: home)
      let port = try #require(try await server.nextJSON()["port"]?.int)
      hub = "http://jan:secret@127.0.0.1:\(port)/hub"
      try await home.run("put", hub, "first", input: "{}")
    }

    /// A machine with an identity and databases of its own.
    func machine(_ name: String) async throws -> Home {
      let machine = Home(folder: home.folder.appendingPathComponent(name))
      try FileManager.default.createDirectory(at: machine.folder, withIntermediateDirectories: true)
      #expect(try await machine.run("config", "hub", "-", input: "\(hub)\n").status == 0)
      return machine
    }
  }

  extension Home {
    /// The fingerprint of the machine's identity.
    func identity() async throws -> String {
      try #require(try await run("identity", "--json").json.first?["identity"]?.string)
    }

    /// What a database holds, for comparing.
    func contents(_ database: String) async throws -> [String] {
      let outcome = try await run("ls", database, "--docs")
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.lines
    }

    /// Waits until a database has all of these documents.
    func wait(for ids: Set<String>, in database: String) async throws {
      let feed = try RunningCommand("changes", database, "--live", "--json", in: self)
      var missing = ids
      while !missing.isEmpty { missing.remove(try #require(try await feed.nextJSON()["id"]?.string)) }
      #expect(await feed.interrupt() == 0)
    }
  }

  extension RunningCommand {
    /// The ticket that `send` prints first.
    func ticket() async throws -> String {
      let line = await nextLine()
      return String(try #require(line?.split(separator: " ").last))
    }
  }

  /// A share that is running.
  struct RunningShare {
    let command: RunningCommand
    let url: String
    let ticket: String?

    /// - Parameter options: beside the database.
    init(_ database: String, _ options: String..., on machine: Home) async throws {
      command = try RunningCommand(["share", database, "--json"] + options, in: machine)
      let event = try await command.next("sharing")
      url = try #require(event["url"]?.string)
      ticket = event["ticket"]?.string
    }
  }
#endif
