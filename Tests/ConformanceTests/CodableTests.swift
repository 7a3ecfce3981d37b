import Foundation
import PeerPouch
import Testing

private struct Note: Codable, Equatable {
  var id: String
  var text: String
  var tag: String?
  var place: Place?

  struct Place: Codable, Equatable {
    var city: String
  }
}

@Suite("Values of one's own types")
struct CodableTests {
  @Test(arguments: Backend.allCases)
  func `a value is put and read back`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let note = Note(id: "n1", text: "milk", tag: "shop", place: Note.Place(city: "Bern"))
      try await database.put(note)
      #expect(try await database.get("n1", as: Note.self) == note)
      #expect(try await database.get("n1").body.string == #"{"place":{"city":"Bern"},"tag":"shop","text":"milk"}"#)
      await expectError(.conflict) { try await database.put(note) }
      try await database.put(note, id: "elsewhere")
      #expect(try await database.get("elsewhere")["text"]?.string == "milk")
    }
  }

  @Test(arguments: Backend.allCases)
  func `an update keeps what the type does not know`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put([
        "_id": "n1", "text": "milk", "tag": "shop", "colour": "blue", "price": 1,
        "place": ["city": "Bern", "street": "Gasse"],
      ])
      try await database.putAttachment("photo", Attachment([1, 2, 3]), to: "n1", at: database.get("n1").revision)
      let revision = try await database.update("n1", as: Note.self) { note in
        note.text = "oat milk"
        note.tag = nil
        note.place?.city = "Basel"
      }
      #expect(revision.generation == 3)
      let document = try await database.get("n1")
      #expect(document["text"]?.string == "oat milk")
      #expect(document["tag"] == nil)
      #expect(document["colour"]?.string == "blue")
      #expect(document["place"] == ["city": "Basel", "street": "Gasse"])
      #expect(document.attachments["photo"] != nil)
    }
  }

  @Test(arguments: Backend.allCases)
  func `an update that changes nothing writes nothing`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      let first = try await database.put(Note(id: "n1", text: "milk"))
      #expect(try await database.update("n1", as: Note.self) { _ in } == first)
      await expectError(.notFound, "missing") { try await database.update("nope", as: Note.self) { _ in } }
    }
  }

  @Test(arguments: Backend.allCases)
  func `updates of many tasks all count`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "counter", "n": 0])
      try await withThrowingTaskGroup { group in
        for _ in 0..<20 {
          group.addTask {
            _ = try await database.update("counter") { $0["n"] = JSON(($0["n"]?.int ?? 0) + 1) }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await database.get("counter")["n"]?.int == 20)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a typed document is changed and written back`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      try await database.put(["_id": "n1", "text": "milk", "colour": "blue"])
      var note = try await database.document("n1", as: Note.self)
      note.value.text = "eggs"
      try await database.put(&note)
      note.value.text = "flour"
      let third = try await database.put(&note)
      #expect(third.generation == 3)
      #expect(note.revision == third)
      let document = try await database.get("n1")
      #expect(document["text"]?.string == "flour")
      #expect(document["colour"]?.string == "blue")
    }
  }

  @Test(arguments: Backend.allCases)
  func `conflicts are resolved as values`(_ backend: Backend) async throws {
    try await backend.withDatabase { database in
      _ = try await database.bulkDocs(
        [
          try replica("n1", ["1-b"], ["text": "milk", "colour": "blue"]), try replica("n1", ["1-a"], ["text": "eggs"]),
        ], .replicated)
      try await database.resolveConflicts(of: "n1", as: Note.self) { notes in
        var merged = notes[0]
        merged.text = notes.map(\.text).joined(separator: ", ")
        return merged
      }
      let document = try await database.get("n1", including: .conflicts)
      #expect(document["text"]?.string == "milk, eggs")
      #expect(document["colour"]?.string == "blue")
      #expect(document.metadata?.conflicts ?? [] == [])
    }
  }
}
