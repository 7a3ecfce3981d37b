#if WebRTC
  import Crypto
  import Foundation
  import PeerPouch
  import Testing

  @Suite("Handing files over by the command", .timeLimit(.minutes(5)), .serialized)
  struct SendCommandTests {
    private func write(_ size: Int, to path: String) throws {
      var byte: UInt8 = 7
      let bytes = (0..<size).map { _ in
        byte = byte &* 31 &+ 11
        return byte
      }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private func contents(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

    /// The names of the files in a folder, hidden ones too.
    private func names(in folder: String) throws -> Set<String> {
      Set(try FileManager.default.contentsOfDirectory(atPath: folder))
    }

    @Test func `files arrive as they were, and both sides end by themselves`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try write(3_000_001, to: ann.path("film.mkv"))
        try write(0, to: ann.path("nothing"))
        try write(1, to: ann.path("_one.txt"))
        let send = try RunningCommand(
          ["send", "--json"] + ["film.mkv", "nothing", "_one.txt"].map(ann.path), in: ann)
        let ticket = try #require(try await send.next("offering")["ticket"]?.string)
        let inbox = bob.path("inbox")
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: false)
        let received = try await bob.run("receive", "-", "-o", inbox, "--json", input: "\(ticket)\n")
        #expect(received.status == 0, "\(received.errors)")
        #expect(received.json.first?["size"] == 3_000_002)
        #expect(received.json.first?["identity"]?.string == (try await ann.identity()))
        #expect(try names(in: inbox) == ["film.mkv", "nothing", "_one.txt"])
        for name in ["film.mkv", "nothing", "_one.txt"] {
          #expect(contents("\(inbox)/\(name)") == contents(ann.path(name)))
        }
        while try await send.next("received")["complete"] != true {}
        #expect(await send.exitStatus() == 0)
        #expect(try await bob.run("shares").lines.isEmpty)
        // Nothing is kept of it: the database was for once.
        #expect(try names(in: ann.path("shares")).isEmpty)
      }
    }

    @Test func `a file that is there is written over only when told to`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try write(10, to: ann.path("a"))
        try write(20, to: ann.path("b"))
        let send = try RunningCommand("send", ann.path("a"), ann.path("b"), in: ann)
        let ticket = try await send.ticket()
        try write(5, to: bob.path("a"))
        // One that has come before, and was not confirmed then.
        try write(20, to: bob.path("b"))
        let kept = try await bob.run("receive", ticket, "-o", bob.folder.path)
        #expect(kept.status == 4)
        #expect(kept.columns.map(\.first) == [bob.path("b")])
        #expect(try #require(await send.nextLine()).hasSuffix("has received b"))
        #expect(kept.errors.contains("is there already"))
        #expect(contents(bob.path("a"))?.count == 5)
        #expect(contents(bob.path("b")) == contents(ann.path("b")))
        #expect(try await bob.run("receive", ticket, "-o", bob.folder.path, "--force").status == 0)
        #expect(contents(bob.path("a")) == contents(ann.path("a")))
        #expect(await send.exitStatus() == 0)
      }
    }

    @Test func `names that would do harm and contents that are not what was said leave nothing behind`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        let names = ["../evil", "/etc/evil", "..", ".bashrc", "a\u{202E}b", "a\nb", "con.txt", "c:d", "honest", "lie"]
        let content = Data("content".utf8)
        let digest = SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined()
        var files: [JSON] = []
        for (number, name) in names.enumerated() {
          let id = "file-\(number)"
          files.append(["id": JSON(id), "name": JSON(name), "size": JSON(content.count)])
          let document: JSON = [
            "type": JSON(FileDocuments.fileType), "name": JSON(name), "size": JSON(content.count),
            "sha256": JSON(name == "lie" ? String(digest.reversed()) : digest),
            "_attachments": ["content": ["data": JSON(content.base64EncodedString())]],
          ]
          try await ann.run("put", "evil", id, input: document.text)
        }
        let offer: JSON = ["type": JSON(FileDocuments.offerType), "files": .array(files)]
        try await ann.run("put", "evil", "offer", input: offer.text)
        let share = try await RunningShare("evil", on: ann)
        let inbox = bob.path("inbox")
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: false)
        _ = try await bob.identity()
        let before = try self.names(in: bob.folder.path)
        let outcome = try await bob.run("receive", try #require(share.ticket), "-o", inbox)
        #expect(outcome.status == 1)
        #expect(try self.names(in: inbox) == ["honest"])
        #expect(outcome.errors.contains("its SHA-256 is another one"))
        #expect(!outcome.errors.contains("\u{202E}"))
        // What the command writes for itself does not count.
        let after = try self.names(in: bob.folder.path).filter { !$0.hasPrefix("std") }
        #expect(after.subtracting(before).subtracting(["known.json", "known.json.lock"]).isEmpty)
        #expect(await share.command.interrupt() == 0)
      }
    }

    @Test func `a receiver that is interrupted leaves nothing behind, and the next one takes all`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        // Without blocks on the disk, but long enough that its way takes some seconds.
        try write(0, to: ann.path("big"))
        let file = try #require(FileHandle(forWritingAtPath: ann.path("big")))
        try file.truncate(atOffset: 400 << 20)
        try file.close()
        let send = try RunningCommand("send", ann.path("big"), in: ann)
        let ticket = try await send.ticket()
        let inbox = bob.path("inbox")
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: false)
        let receive = try RunningCommand("receive", ticket, "-o", inbox, "--json", in: bob, reading: .errors)
        while try await receive.nextJSON()["progress"]?["done"] == nil {}
        #expect(try names(in: inbox).count == 1)
        #expect(await receive.interrupt() == 130)
        #expect(try names(in: inbox).isEmpty)
        #expect(try await bob.run("receive", ticket, "-o", inbox).status == 0)
        #expect(try FileManager.default.attributesOfItem(atPath: inbox + "/big")[.size] as? Int == 400 << 20)
        #expect(await send.exitStatus() == 0)
      }
    }

    @Test func `only files of different names that others would take are sent`() async throws {
      try await Home.with { home in
        try FileManager.default.createDirectory(atPath: home.path("x"), withIntermediateDirectories: false)
        try write(1, to: home.path("a"))
        try write(1, to: home.path("x/a"))
        try write(1, to: home.path(".hidden"))
        for (arguments, words) in [
          ([home.path("x")], "is a folder"), ([home.path("a"), home.path("x/a")], "one name"),
          ([home.path("none")], "No such file"), ([home.path(".hidden")], "hidden"),
        ] {
          let outcome = try await home.run(["send"] + arguments, input: Data())
          #expect(outcome.status == 1)
          #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
      }
    }

    @Test func `files that are put into an inbox are documents there, and show to nobody else`() async throws {
      try await Machines.with { machines in
        let (ann, bob) = (try await machines.machine("ann"), try await machines.machine("bob"))
        try write(700_000, to: bob.path("photo.jpg"))
        let share = try await RunningShare("box", "--inbox", on: ann)
        let ticket = try #require(share.ticket)
        let sent = try await bob.run("send", bob.path("photo.jpg"), "--to", ticket, "--json")
        #expect(sent.status == 0, "\(sent.errors)")
        let id = try #require(sent.json.first?["id"]?.string)
        let document = try #require(try await ann.run("get", "box", id).json.first)
        #expect(document["name"] == "photo.jpg")
        #expect(document["_attachments"]?["photo.jpg"]?["content_type"] == "image/jpeg")
        #expect(try await ann.run("fetch", "box", id, "photo.jpg", "-o", ann.path("out")).status == 0)
        #expect(contents(ann.path("out")) == contents(bob.path("photo.jpg")))
        #expect(try await bob.run("ls", ticket).status == 3)
        #expect(try await bob.run("get", ticket, id).status == 3)
        #expect(await share.command.interrupt() == 0)
      }
    }
  }
#endif
