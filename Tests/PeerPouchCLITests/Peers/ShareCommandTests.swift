#if WebRTC
  import Foundation
  import PeerPouch
  import Testing

  @Suite("Sharing by the command", .timeLimit(.minutes(5)), .serialized)
  struct ShareCommandTests {
    @Test func `who has a ticket queries, edits and syncs, and the sharer sees the edits`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try await ann.run("put", "notes", "n1", input: #"{"text":"milk"}"#)
        let share = try await RunningShare("notes", on: ann)
        let ticket = try #require(share.ticket)
        let feed = try RunningCommand("changes", "notes", "--live", "--json", "--since", "now", in: ann)

        #expect(try await bob.contents(ticket) == ann.contents("notes"))
        #expect(try await share.command.next("joined")["identity"]?.string == bob.identity())
        #expect(try await bob.run("put", ticket, "n2", input: #"{"text":"eggs"}"#).status == 0)
        #expect(try await feed.nextJSON()["id"] == "n2")
        #expect(try await bob.run("sync", "copy", ticket).status == 0)
        try await bob.run("put", "copy", "n3", input: "{}")
        #expect(try await bob.run("sync", ticket, "copy").status == 0)
        #expect(try await feed.nextJSON()["id"] == "n3")
        #expect(try await bob.contents("copy") == ann.contents("notes"))

        // The ticket from the input, and what follows it.
        #expect(try await bob.run("put", "-", "n4", input: "\(ticket)\n{\"text\":\"tea\"}").status == 0)
        #expect(try await feed.nextJSON()["id"] == "n4")
        #expect(try await bob.run("attach", ticket, "n4", bob.path("config.json")).status == 0)
        #expect(try await bob.run("destroy", ticket, "--yes").status == 5)
        #expect(await feed.interrupt() == 0)
        #expect(await share.command.interrupt() == 0)
        #expect(try await bob.run("shares").lines.isEmpty)
      }
    }

    @Test func `a ticket belongs to the first who uses it, and another one opens nothing`() async throws {
      try await Machines.with { machines in
        let ann = try await machines.machine("ann")
        let (bob, carl) = (try await machines.machine("bob"), try await machines.machine("carl"))
        try await ann.run("put", "notes", "n1", input: "{}")
        let share = try await RunningShare("notes", on: ann)
        let ticket = try #require(share.ticket)
        #expect(try await bob.run("info", ticket).status == 0)
        let second = try await carl.run("info", ticket)
        #expect(second.status == 5)
        #expect(second.errors.contains("belongs to another identity"))
        #expect(try await share.command.next("ticket_reused")["identity"]?.string == carl.identity())
        #expect(try await carl.run("info", share.url).status == 5)
        let mistyped = try await carl.run("info", ticket.replacing("a", with: "b", maxReplacements: 1))
        #expect(mistyped.status == 1)
        #expect(mistyped.errors.contains("mistyped or cut off"))
        #expect(await share.command.interrupt() == 0)
        // Of a share that is over nothing is there.
        #expect(try await bob.run("info", ticket).status == 3)
      }
    }

    @Test func `the sharer is asked about who wants in, and its answer holds`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try await ann.run("put", "notes", "n1", input: "{}")
        let share = try await RunningShare("notes", "--ask", on: ann)
        #expect(share.ticket == nil)

        async let refused = bob.run("info", share.url, "--as", "bob\u{202E}")
        let question = try await share.command.next("asking")
        #expect(question["identity"]?.string == (try await bob.identity()))
        #expect(question["own"]?.string == (try await ann.identity()))
        await share.command.write(Data("no\n".utf8))
        #expect(try await refused.status == 5)

        async let admitted = bob.run("info", share.url)
        let again = try await share.command.next("asking")
        // A line that is far too long is none, and an answer about somebody else neither.
        await share.command.write(Data((String(repeating: "x", count: 5000) + "\n").utf8))
        await share.command.write(Data("yes aaaa-aaaa\n".utf8))
        let short = try #require(again["short"]?.string)
        await share.command.write(Data("yes \(short)\n".utf8))
        let shown = try await admitted
        #expect(shown.status == 0)
        // The opener has both fingerprints to compare.
        let owner = try #require(question["own"]?.string)
        let shorts = try [owner, await bob.identity()].map { try #require(Fingerprint($0)).short }
        #expect(shown.errors.contains("asking \(shorts[0]) (never met)"))
        #expect(shown.errors.contains("you are \(shorts[1])"))
        #expect(await share.command.interrupt() == 0)

        // It is not asked again, by another start of the share either, until the identity is forgotten.
        let second = try await RunningShare("notes", "--ask", on: ann)
        #expect(second.url == share.url)
        let feed = try RunningCommand("changes", share.url, "--live", in: bob)
        #expect(await feed.nextLine() != nil)
        #expect(try await ann.run("identity", "forget", bob.identity()).status == 0)
        _ = try await second.command.next("asking")
        await second.command.closeInput()
        #expect(await feed.exitStatus() == 5)
        #expect(await second.command.interrupt() == 0)
      }
    }

    @Test func `a share that is read-only is read and not written`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try await ann.run("put", "notes", "n1", input: "{}")
        let share = try await RunningShare("notes", "--anyone", on: ann)
        #expect(try await bob.contents(share.url).count == 1)
        for arguments in [["put", share.url, "n2"], ["rm", share.url, "n1"], ["load", share.url]] {
          let outcome = try await bob.run(arguments, input: Data("{}".utf8))
          #expect(outcome.status == 5, "\(arguments)")
          #expect(outcome.errors.contains("can only be read"))
        }
        #expect(try await bob.run("replicate", share.url, "copy").status == 0)
        // One share opened twice by one command.
        #expect(try await bob.run("replicate", share.url, share.url).status == 0)
        #expect(try await bob.contents("copy") == ann.contents("notes"))
        #expect(await share.command.interrupt() == 0)
      }
    }

    @Test func `a live sync goes on when either side was killed and is started again`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try await ann.run("put", "notes", "n1", input: "{}")
        let friend = try await bob.identity()
        var share = try await RunningShare("notes", "--allow", friend, on: ann)
        // What is waited in has to be there.
        try await bob.run("put", "notes", "own", input: "{}")
        var sync = try RunningCommand("sync", "notes", share.url, "--live", in: bob)
        try await bob.wait(for: ["n1"], in: "notes")

        #expect(await share.command.interrupt(SIGKILL) == SIGKILL)
        try await ann.run("put", "notes", "there", input: "{}")
        try await bob.run("put", "notes", "here", input: "{}")
        share = try await RunningShare("notes", "--allow", friend, on: ann)
        try await ann.wait(for: ["n1", "there", "here"], in: "notes")
        try await bob.wait(for: ["n1", "there", "here"], in: "notes")

        #expect(await sync.interrupt(SIGKILL) == SIGKILL)
        // A sync waits for a share that is not there.
        #expect(await share.command.interrupt() == 0)
        sync = try RunningCommand("sync", "notes", share.url, "--live", "--json", in: bob, reading: .errors)
        while try await sync.nextJSON()["connection"] != "reconnecting" {}
        try await bob.run("put", "notes", "later", input: "{}")
        share = try await RunningShare("notes", "--allow", friend, on: ann)
        try await ann.wait(for: ["later"], in: "notes")
        #expect(await sync.interrupt() == 0)
        #expect(await share.command.interrupt() == 0)
      }
    }

    @Test func `shares are listed and watched, and passwords of the hub are told nobody`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try await ann.run("put", "notes", "n1", input: "{}")
        let watch = try RunningCommand("shares", "--watch", "--json", in: bob)
        let share = try await RunningShare(
          "notes", "--anyone", "--write", "--name", "list\u{1B}[2J", "--info", #"{"of":"things"}"#, on: ann)
        let added = try await watch.next("added")
        #expect(added["url"]?.string == share.url)
        #expect(added["access"] == "read-write")
        #expect(added["info"]?["of"] == "things")
        #expect(added["identity"]?.string == (try await ann.identity()))
        #expect(!share.url.contains("secret"))
        let list = try await bob.run("shares")
        #expect(list.columns.first?[1] == "list[2J")
        #expect(list.columns.first?.last == "unknown")
        #expect(try await ann.run("shares").columns.first?.last == "own")
        #expect(!list.text.contains("secret"))
        #expect(await share.command.interrupt() == 0)
        #expect(try await watch.next("removed")["url"]?.string == share.url)
        #expect(await watch.interrupt() == 0)
      }
    }

    @Test func `a forgotten identity is disconnected from the share of another process, and its ticket is worthless`()
      async throws
    {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try await ann.run("put", "notes", "n1", input: "{}")
        let share = try await RunningShare("notes", on: ann)
        let ticket = try #require(share.ticket)
        // What is waited in has to be there.
        try await bob.run("put", "copy", "own", input: "{}")
        let sync = try RunningCommand("sync", "copy", ticket, "--live", in: bob)
        try await bob.wait(for: ["n1"], in: "copy")
        let friend = try await bob.identity()
        #expect(try await ann.run("identity", "known", "--json").json.first?["identity"]?.string == friend)

        #expect(try await ann.run("identity", "forget", friend).status == 0)
        #expect(try await share.command.next("left")["identity"]?.string == friend)
        // The sync comes back with its ticket, and is refused.
        #expect(await sync.exitStatus() == 5)
        #expect(try await bob.run("info", ticket).status == 5)
        #expect(try await ann.run("identity", "known").lines.isEmpty)
        #expect(try await ann.run("identity", "forget", friend).status == 3)
        #expect(await share.command.interrupt() == 0)
      }
    }

    @Test func `a share waits for its hub, and goes on when the hub was started again`() async throws {
      try await Home.with { home in
        func serve(_ port: String) throws -> RunningCommand {
          try RunningCommand(
            "serve", "--json", "--port", port, "--admin", "jan:secret", "--data", home.path("server"), in: home)
        }
        var server = try serve("0")
        let port = "\(try #require(try await server.nextJSON()["port"]?.int))"
        let hub = "http://jan:secret@127.0.0.1:\(port)/hub"
        #expect(await server.interrupt(SIGKILL) == SIGKILL)
        try await home.run("put", "notes", "n1", input: "{}")
        let command = try RunningCommand(
          "share", "notes", "--anyone", "--json", "--hub", hub, "--ice-from-hub", in: home)
        server = try serve(port)
        let url = try #require(try await command.next("sharing")["url"]?.string)
        #expect(await server.interrupt(SIGKILL) == SIGKILL)
        _ = try await command.next("hub_lost")
        server = try serve(port)
        _ = try await command.next("hub_found")
        #expect(try await home.run("ls", url, "--hub", hub).lines.count == 1)
        #expect(await command.interrupt() == 0)
        #expect(await server.interrupt() == 0)
      }
    }

    @Test func `settings are for their owner only, and shown without passwords`() async throws {
      try await Home.with { home in
        #expect(try await home.run("share", "memory:").status == 2)
        #expect(try await home.run("config", "hub", "https://jan:secret@hub.example/hub").status == 0)
        let servers = ["turn:turn.example,jan,secret", "stun:stun.example"]
        #expect(try await home.run(["config", "ice-servers"] + servers, input: Data()).status == 0)
        #expect(try await home.run("config", "ice-servers", "turn:turn.example,jan").status == 2)
        let read = try await home.run("config", "ice-servers", "-", input: servers.joined(separator: "\n"))
        #expect(read.status == 0)
        #expect(try await home.run("config", "ice-servers", "-", input: "turn:turn.example,jan").status == 2)
        #expect(try await home.run("config", "ice-from-hub", "on").status == 0)
        #expect(try await home.run("config", "name", "jan").status == 0)
        let shown = try await home.run("config")
        #expect(!shown.text.contains("secret"))
        #expect(
          shown.columns == [
            ["hub", "https://hub.example/hub"], ["ice-server", "turn:turn.example"],
            ["ice-server", "stun:stun.example"], ["ice-from-hub", "on"], ["name", "jan"],
          ])
        let mode = try FileManager.default.attributesOfItem(atPath: home.path("config.json"))[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(try await home.run("config", "hub").status == 0)
        #expect(try await home.run("config", "--json").json.first?["hub"] == nil)
      }
    }
  }
#endif
