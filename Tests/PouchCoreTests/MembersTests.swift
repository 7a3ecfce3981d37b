import PouchCore
import Testing

@Suite("Members by name")
struct MembersTests {
  @Test func `a member keeps its place when it is set, and goes to the end when it is appended`() {
    var members: Members<Int> = ["b": 1, "a": 2, "c": 3]
    members["b"] = 4
    #expect(members.names == ["b", "a", "c"])
    members.append(5, as: "b")
    #expect(members.names == ["a", "c", "b"])
    members["a"] = nil
    members["new"] = 6
    #expect(members.map(\.name) == ["c", "b", "new"])
    #expect(members.map(\.value) == [3, 5, 6])
  }

  @Test func `names that look alike are two members`() {
    let members: Members<Int> = ["\u{E9}": 1, "e\u{301}": 2]
    #expect(members.count == 2)
    #expect(members["\u{E9}"] == 1)
    #expect(members["e\u{301}"] == 2)
  }

  @Test func `of equal names in a literal the last wins`() {
    let members: Members<Int> = ["a": 1, "b": 2, "a": 3]
    #expect(members.names == ["b", "a"])
    #expect(members["a"] == 3)
  }

  @Test func `members are equal in any order, with equal hashes`() {
    let one: Members<Int> = ["a": 1, "b": 2]
    let two: Members<Int> = ["b": 2, "a": 1]
    #expect(one == two)
    #expect(one.hashValue == two.hashValue)
    #expect(one != ["a": 1])
    #expect(one != ["a": 2, "b": 1])
  }
}
