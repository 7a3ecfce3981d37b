import PouchCore
import Testing

@testable import PeerPouch

struct ReplicationRequestTests {
  private func code(_ members: JSON.Object) -> PouchError.Code? {
    var json = members
    json["source"] = "a"
    json["target"] = "b"
    do throws(PouchError) {
      _ = try ReplicationRequest(.object(json))
      return nil
    } catch {
      return error.code
    }
  }

  @Test func `what would change what is copied, and is not there, is refused`() {
    #expect(code([:]) == nil)
    #expect(code(["winning_revs_only": true]) == .notImplemented)
    #expect(code(["winning_revs_only": false]) == nil)
    #expect(code(["source_proxy": "http://proxy.example"]) == .notImplemented)
    #expect(code(["target_proxy": "http://proxy.example"]) == .notImplemented)
    #expect(code(["source_proxy": "", "target_proxy": .null]) == nil)
    #expect(code(["filter": "design/name"]) == .notImplemented)
    #expect(code(["doc_ids": "a"]) == .badRequest)
    #expect(code(["since_seq": "5-abc", "use_checkpoints": false]) == nil)
  }

  @Test func `two requests for the same are the same replication`() throws {
    let one = try ReplicationRequest(["source": "a", "target": "b", "continuous": true])
    let same = try ReplicationRequest(["continuous": true, "target": "b", "source": ["url": "a"]])
    #expect(one.id == same.id)
    #expect(try ReplicationRequest(["source": "a", "target": "b"]).id != one.id)
  }
}
