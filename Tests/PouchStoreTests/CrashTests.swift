import Foundation
import PeerPouch
import TestSupport
import Testing

@Suite("Crashes")
struct CrashTests {
  /// What a process said it had written: each document's newest revision.
  private func acknowledged(_ lines: [String]) throws -> [DocumentID: RevisionID] {
    var revisions: [DocumentID: RevisionID] = [:]
    for line in lines {
      let parts = line.split(separator: " ")
      guard parts.count == 2 else { continue }
      revisions[DocumentID(String(parts[0]))] = try RevisionID(String(parts[1]))
    }
    return revisions
  }

  @Test(arguments: [("write", 24), ("attach", 16), ("compact", 16)])
  func `kill -9 at random moments loses nothing that was acknowledged`(_ mode: String, _ times: Int) async throws {
    try await withFolder { folder in
      let path = folder + "/crash.pouch"
      var expected: [DocumentID: RevisionID] = [:]
      for round in 0..<times {
        let tool = try ToolProcess(mode, path)
        var lines: [String] = []
        for _ in 0..<Int.random(in: 1..<(mode == "attach" ? 6 : 60)) {
          guard let line = await tool.nextLine() else { break }
          lines.append(line)
        }
        // Not to wait for anything: to die at a moment that has nothing to do with the lines.
        usleep(UInt32.random(in: 0..<15_000))
        await tool.kill()
        lines += await tool.remainingLines()
        expected.merge(try acknowledged(lines)) { $1 }

        let database = try LocalDatabase(path: path)
        #expect(try await database.integrityCheck() == [], "round \(round)")
        let ids = Array(expected.keys)
        let rows = try await database.allDocs(AllDocsQuery(keys: ids)).rows
        for row in rows {
          let wanted = try #require(expected[row.id])
          let stored = try #require(row.revision, "\(row.id) is lost in round \(round)")
          // The crash may have come after a commit and before its line.
          #expect(stored.generation >= wanted.generation, "\(row.id) in round \(round)")
          if stored.generation > wanted.generation { expected[row.id] = stored } else { #expect(stored == wanted) }
        }
        if mode == "attach", let id = ids.randomElement() {
          let size = try #require(try await database.get(id).attachments["file"]?.length)
          #expect(try await database.getAttachment("file", of: id).content.bytes().count == Int(size))
        }
        try await database.close()
      }
      #expect(expected.count > 0)
    }
  }
}

@Suite("A full disk")
struct FullDiskTests {
  /// Runs a program to its end.
  private static func run(_ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// Whether this process may mount a file system, which takes root.
  static let canMount: Bool = {
    let folder = NSTemporaryDirectory() + "/peerpouch-mount-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    guard run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder) else { return false }
    return run("umount", folder)
  }()

  @Test(.enabled(if: canMount, "Mounting a small file system takes root."))
  func `a full disk gives an error, and the database goes on when there is space`() async throws {
    try await withFolder { folder in
      try #require(Self.run("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder))
      defer { _ = Self.run("umount", "-l", folder) }
      let ballast = folder + "/ballast"
      try Data(count: 3 << 20).write(to: URL(fileURLWithPath: ballast))
      let database = try LocalDatabase(path: folder + "/full.pouch")
      var written: [DocumentID] = []
      var failure: PouchError?
      while failure == nil {
        let id = DocumentID("d\(written.count)")
        let text = JSON(String(repeating: "x", count: 20_000))
        failure = await pouchError { try await database.put(Document(id: id, fields: ["text": text])) }
        if failure == nil { written.append(id) }
      }
      #expect(failure?.code == .diskFull)
      let large: PouchCore.Attachment = .init([UInt8](repeating: 1, count: 5 << 20))
      #expect(await pouchError { try await database.putAttachment("f", large, to: "big", at: nil) }?.code == .diskFull)
      #expect(try await database.info().documentCount == written.count)
      try FileManager.default.removeItem(atPath: ballast)
      try await database.put(["_id": "after"])
      for id in written { #expect(try await database.get(id)["text"]?.string?.utf8.count == 20_000) }
      #expect(try await database.integrityCheck() == [])
      try await database.close()
    }
  }
}
