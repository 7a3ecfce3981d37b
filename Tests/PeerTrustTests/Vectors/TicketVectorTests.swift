import PouchCore
import Testing

@testable import PeerTrust

@Suite("Tickets of the vectors")
struct TicketVectorTests {
  let vectors: JSON

  init() throws { vectors = try Vectors.load("tickets") }

  @Test func `tickets are read and written`() throws {
    for vector in try vectors.elements("tickets") {
      let ticket = try Ticket(vector.text("text"))
      #expect(try ticket.share.text == vector.text("id"))
      #expect(try ticket.share.uuid == vector.bytes("uuid"))
      #expect(try ticket.secret == vector.bytes("secret"))
      #expect(try ticket.hub.text == vector.text("hub"))
      #expect(try ticket.text == vector.text("text"))
      #expect(try ticket.keys.id.bytes == vector.bytes("tid"))
      #expect(try ticket.keys.key == vector.bytes("kT"))
      #expect(!"\(ticket)".contains(ticket.text))
    }
  }

  @Test func `upper case and white space around do not matter`() throws {
    let text = try vectors.elements("tickets")[0].text("text")
    for other in try vectors.elements("alsoRead") {
      #expect(try Ticket(try #require(other.string)).text == text)
    }
  }

  @Test(arguments: try Vectors.negative(of: "tickets"))
  func `a text is no ticket`(_ negative: Vectors.Negative) throws {
    let text = try negative.json.text("text")
    let problem = #expect(throws: Ticket.Problem.self) { try Ticket(text) }
    #expect(problem.map { "\($0)" } == negative.verdict)
  }
}
