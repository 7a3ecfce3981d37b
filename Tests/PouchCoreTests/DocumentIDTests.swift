import PouchCore
import Testing

@Suite("Document ids")
struct DocumentIDTests {
  @Test(arguments: [
    "a", " ", "\n", "a_b", "x/y", "é", "\u{0}", "_design/d", "_local/l", "_design/_x", "_local//",
    String(repeating: "x", count: Limits.documentID),
    String(repeating: "é", count: Limits.documentID / 2),
    "_design/" + String(repeating: "x", count: Limits.documentID - 8),
  ])
  func `any text that is not reserved is an id`(_ text: String) throws {
    try DocumentID(text).validate()
  }

  @Test(arguments: [
    ("", "Document id must not be empty"),
    ("_", "Only reserved document ids may start with underscore."),
    ("_e2", "Only reserved document ids may start with underscore."),
    ("_design", "Only reserved document ids may start with underscore."),
    ("_Design/x", "Only reserved document ids may start with underscore."),
    ("_local", "Only reserved document ids may start with underscore."),
    ("_localx/", "Only reserved document ids may start with underscore."),
    ("_design/", "Illegal document id `_design/`"),
    ("_local/", "Illegal document id `_local/`"),
    (String(repeating: "x", count: Limits.documentID + 1), "Document id is too long"),
    (String(repeating: "é", count: Limits.documentID / 2) + "x", "Document id is too long"),
    ("_design/" + String(repeating: "x", count: Limits.documentID), "Document id is too long"),
  ])
  func `what CouchDB refuses is refused in its words`(_ text: String, _ reason: String) {
    #expect(throws: PouchError(.illegalDocumentID, reason)) { try DocumentID(text).validate() }
  }

  @Test func `design and local documents are known by their prefix`() {
    #expect(DocumentID("_design/d").isDesign)
    #expect(DocumentID("_local/l").isLocal)
    for other: DocumentID in ["design/d", "x_design/d", "_design", "_local", "_locale/x", "local/l"] {
      #expect(!other.isDesign)
      #expect(!other.isLocal)
    }
    #expect(!DocumentID("_design/_local/").isLocal)
  }

  @Test func `ids are compared and ordered by their bytes`() {
    #expect(DocumentID("\u{E9}") != DocumentID("e\u{301}"))
    let ordered: [DocumentID] = ["", "A", "Z", "_local/a", "a", "aa", "b", "e\u{301}", "z", "\u{E9}", "😀"]
    #expect(ordered.reversed().sorted() == ordered)
  }
}
