import PouchCore
import Testing

@Suite("Errors")
struct PouchErrorTests {
  private typealias Code = PouchError.Code

  /// Statuses, names and sentences as CouchDB 3.5 answered them.
  @Test(
    arguments: [
      (.badRequest, "bad_request", 400, nil), (.invalidDocument, "doc_validation", 400, nil),
      (.illegalDocumentID, "illegal_docid", 400, "Only reserved document ids may start with underscore."),
      (.illegalDatabaseName, "illegal_database_name", 400, nil), (.missingStub, "missing_stub", 412, nil),
      (.unauthorized, "unauthorized", 401, "Name or password is incorrect."), (.forbidden, "forbidden", 403, nil),
      (.notFound, "not_found", 404, "missing"), (.conflict, "conflict", 409, "Document update conflict."),
      (.databaseExists, "file_exists", 412, "The database could not be created, the file already exists."),
      (.rangeNotSatisfiable, "requested_range_not_satisfiable", 416, "Requested range not satisfiable"),
    ] as [(PouchError.Code, String, Int, String?)])
  func `codes have CouchDB's names and statuses`(
    _ code: PouchError.Code, _ name: String, _ status: Int, _ reason: String?
  ) {
    #expect(code.name == name)
    #expect(code.status == status)
    if let reason { #expect(PouchError(code).reason == reason) }
    #expect(PouchError(code).description == "\(name): \(PouchError(code).reason)")
  }

  @Test func `every code has a name of its own, in CouchDB's manner`() {
    let names = Code.allCases.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names { #expect(name.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/) != nil, "\(name)") }
  }

  @Test(arguments: PouchError.Code.allCases)
  func `every code has an error status and a sentence`(_ code: PouchError.Code) {
    #expect((400...599).contains(code.status))
    #expect(!PouchError(code).reason.isEmpty)
    #expect(PouchError(code, "because").reason == "because")
    #expect(PouchError(code).code == code)
  }

  @Test(arguments: PouchError.Code.allCases)
  func `the exit code tells what the status tells`(_ code: PouchError.Code) {
    let expected: Int32 =
      switch code.status {
      case 401, 403, 413: 5
      case 404: 3
      case 409: 4
      case 412 where code == .databaseExists: 4
      default: 1
      }
    #expect(code.exitCode == expected)
  }

  @Test func `the usual errors have CouchDB's sentences`() {
    #expect(PouchError.missing == PouchError(.notFound, "missing"))
    #expect(PouchError.deleted == PouchError(.notFound, "deleted"))
    #expect(PouchError.conflict == PouchError(.conflict, "Document update conflict."))
    #expect(PouchError.closed.code == .databaseClosed)
    #expect(PouchError.missing != PouchError.deleted)
  }

  @Test func `what lies below an error does not make it another one`() {
    let below = PouchError(.ioError, underlying: CancellationError())
    #expect(below == PouchError(.ioError))
    #expect(below.underlying is CancellationError)
    #expect(PouchError(.ioError) != PouchError(.corrupt))
  }
}
