import PouchCore
import TestSupport
import Testing

/// The document that most selectors here are asked about.
private let film: JSON = [
  "_id": "film:1", "_rev": "1-a", "title": "Solaris", "year": 1972, "length": 166.0, "seen": true, "note": nil,
  "tags": ["slow", "sea", 3], "cast": [["name": "Banionis", "age": 48], ["name": "Bondarchuk", "age": 22]],
  "studio": ["name": "Mosfilm", "city": ["name": "Moscow"]], "a.b": 1, "empty": [], "odd": -7,
]

private func matches(_ selector: JSON, _ json: JSON = film) throws -> Bool {
  try Selector(selector).matches(json)
}

struct SelectorTests {
  @Test(
    arguments: [
      // Equality, implied or not.
      ([:], true), (["year": 1972], true), (["year": ["$eq": 1972.0]], true), (["year": "1972"], false),
      (["note": nil], true), (["tags": ["slow", "sea", 3]], true), (["tags": ["sea"]], false),
      (["title": "Solaris", "year": 1973], false), (["title": ["$ne": "Mirror"]], true),
      // Order, across types: null, booleans, numbers, strings, arrays, objects.
      (["year": ["$gt": 1971, "$lte": 1972]], true), (["year": ["$lt": 1972]], false),
      (["year": ["$gt": nil]], true), (["year": ["$gt": true]], true), (["year": ["$lt": ""]], true),
      (["title": ["$lt": []]], true), (["tags": ["$lt": [:]]], true), (["title": ["$gte": "Solaris"]], true),
      (["title": ["$lt": "a"]], true), (["seen": ["$gt": false]], true), (["note": ["$lt": false]], true),
      // Fields that are not there.
      (["x": ["$ne": 1]], false), (["x": ["$gt": nil]], false), (["x": ["$nin": [1]]], false),
      (["x": ["$exists": false]], true), (["x": ["$exists": true]], false), (["year": ["$exists": false]], false),
      (["note": ["$exists": true]], true), (["$not": ["x": 1]], false), (["$not": ["x": ["$exists": true]]], true),
      (["$nor": [["x": 1]]], false), (["$not": ["x": ["$regex": "a"]]], false),
      (["year.x": ["$exists": false]], false), (["studio.x": ["$exists": false]], true),
      // Paths.
      (["studio.city.name": "Moscow"], true), (["studio": ["city": ["name": "Moscow"]]], true),
      (["studio": ["name": ["$gt": "M"], "city.name": "Moscow"]], true), (["cast.1.name": "Bondarchuk"], true),
      (["cast.2.name": ["$gt": nil]], false), (["cast.-1.name": ["$gt": nil]], false),
      (["cast.name": "Banionis"], false),
      (["a\\.b": 1], true), (["a.b": 1], false), (["tags.0": "slow"], true), (["studio": [:]], false),
      // Combinations.
      (["$and": [["year": 1972], ["seen": true]]], true), (["$and": []], true), (["$or": []], true),
      (["$or": [["year": 1], ["seen": true]]], true), (["$or": [["year": 1], ["seen": false]]], false),
      (["$not": ["year": 1972]], false), (["$not": ["$or": [["year": 1], ["seen": false]]]], true),
      (["$nor": [["year": 1], ["seen": false]]], true), (["$nor": []], true),
      (["year": ["$not": ["$gt": 2000]]], true), (["year": ["$or": [["$lt": 1900], ["$gt": 1970]]]], true),
      (["$and": [[:]]], false),
      // Lists.
      (["year": ["$in": [1, 1972]]], true), (["year": ["$in": []]], false), (["year": ["$nin": []]], true),
      (["tags": ["$in": ["sea", 9]]], true), (["tags": ["$in": [["slow", "sea", 3]]]], false),
      (["tags": ["$nin": ["sea"]]], false), (["tags": ["$nin": ["land"]]], true),
      (["tags": ["$all": ["sea", "slow"]]], true), (["tags": ["$all": ["sea", "land"]]], false),
      (["tags": ["$all": []]], false), (["tags": ["$all": [["slow", "sea", 3]]]], true),
      (["year": ["$all": [1972]]], false),
      (["tags": ["$size": 3]], true), (["tags": ["$size": 2]], false), (["title": ["$size": 7]], false),
      (["tags": ["$elemMatch": ["$gt": 2, "$lt": 4]]], true), (["tags": ["$elemMatch": ["$gt": "t"]]], false),
      (["cast": ["$elemMatch": ["name": "Banionis", "age": ["$gt": 40]]]], true),
      (["cast": ["$elemMatch": ["name": "Banionis", "age": ["$lt": 40]]]], false),
      (["cast": ["$elemMatch": ["$not": ["born": 1]]]], true), (["cast": ["$elemMatch": ["$nor": [["age": 1]]]]], true),
      (["cast": ["$allMatch": ["age": ["$gt": 20]]]], true), (["cast": ["$allMatch": ["age": ["$gt": 30]]]], false),
      (["empty": ["$allMatch": ["age": 1]]], false), (["empty": ["$elemMatch": ["$exists": true]]], false),
      (["studio": ["$keyMapMatch": ["$eq": "city"]]], true),
      (["studio": ["$keyMapMatch": ["$beginsWith": "x"]]], false),
      (["title": ["$keyMapMatch": ["$eq": "city"]]], false), (["cast": ["$elemMatch": [:]]], false),
      // Types, remainders, texts.
      (["note": ["$type": "null"]], true), (["seen": ["$type": "boolean"]], true),
      (["year": ["$type": "number"]], true),
      (["title": ["$type": "string"]], true), (["tags": ["$type": "array"]], true),
      (["studio": ["$type": "object"]], true),
      (["year": ["$type": "integer"]], false), (["year": ["$mod": [10, 2]]], true),
      (["year": ["$mod": [-10, 2]]], true),
      (["odd": ["$mod": [4, -3]]], true), (["odd": ["$mod": [4, 1]]], false),
      (["title": ["$mod": [2, 0]]], false), (["title": ["$beginsWith": "Sol"]], true),
      (["title": ["$beginsWith": "sol"]], false), (["year": ["$beginsWith": "19"]], false),
      (["title": ["$regex": "^So.*s$"]], true), (["title": ["$regex": "^sol"]], false),
      (["year": ["$regex": "19"]], false),
      (["_id": ["$gt": nil]], true), (["_id": ["$gte": "film:", "$lt": "film;"]], true), (["_id": ["$lt": [:]]], false),
      (["_rev": "1-a"], true),
    ] as [(JSON, Bool)])
  func `a selector matches what it matches in CouchDB`(_ selector: JSON, _ expected: Bool) throws {
    #expect(try matches(selector) == expected)
  }

  @Test(
    arguments: [
      (["v": ["$foo": 1]], "invalid_operator", "Invalid operator: $foo"),
      (["v": ["$regex": 1]], "invalid_operator", "Invalid operator: $regex"),
      (["v": ["$beginsWith": 1]], "invalid_operator", "Invalid operator: $beginsWith"),
      (["v": ["$regex": "("]], "bad_arg", #"Bad argument for operator $regex: "(""#),
      (["v": ["$in": 1]], "bad_arg", "Bad argument for operator $in: 1"),
      (["$and": [:]], "bad_arg", "Bad argument for operator $and: {}"), (["$or": 1], "bad_arg", nil),
      (["$nor": "x"], "bad_arg", nil), (["$not": []], "bad_arg", nil), (["v": ["$nin": nil]], "bad_arg", nil),
      (["v": ["$exists": 1]], "bad_arg", nil), (["v": ["$type": 1]], "bad_arg", nil),
      (["v": ["$size": -1]], "bad_arg", nil),
      (["v": ["$size": 1.5]], "bad_arg", nil), (["v": ["$mod": [1]]], "bad_arg", nil),
      (["v": ["$mod": [0, 0]]], "bad_arg", nil),
      (["v": ["$all": 1]], "bad_arg", nil), (["v": ["$elemMatch": 1]], "bad_arg", nil),
      (["v": ["$allMatch": []]], "bad_arg", nil), (["v": ["$keyMapMatch": 1]], "bad_arg", nil),
      (["$gt": 1], "invalid_selector", "One or more conditions is missing a field name."),
      (["$not": [:]], "invalid_selector", nil), (["$text": "x"], "not_supported", "Unsupported operator: $text"),
      (["v": ["$where": "x"]], "not_supported", nil), (["a..b": 1], "invalid_field_name", "Invalid field name: a..b"),
      (["": 1], "invalid_field_name", nil), (["a.": 1], "invalid_field_name", nil),
      ([1], "invalid_selector_json", "Selector must be a JSON object, not: [1]"), (nil, "invalid_selector_json", nil),
    ] as [(JSON, String, String?)])
  func `what is no selector is refused under CouchDB's names`(_ json: JSON, _ name: String, _ reason: String?) {
    let error = #expect(throws: PouchError.self) { try Selector(json) }
    #expect(error?.code == .badRequest)
    #expect(error?.name == name)
    if let reason { #expect(error?.reason == reason) }
  }

  @Test func `selectors of peers are bounded, and have no regular expressions`() throws {
    func nested(_ depth: Int) -> JSON { depth == 1 ? ["a": 1] : ["$and": [nested(depth - 1)]] }
    _ = try Selector(nested(16), limits: .peers)
    #expect(throws: PouchError.self) { try Selector(nested(17), limits: .peers) }
    _ = try Selector(nested(17))
    let list = JSON.array(Array(repeating: 1, count: 997))
    _ = try Selector(["a": ["$in": list]], limits: .peers)
    #expect(throws: PouchError.self) { try Selector(["a": ["$in": .array((list.array ?? []) + [1])]], limits: .peers) }
    #expect(throws: PouchError.self) { try Selector(["a": ["$regex": "x"]], limits: .peers) }
  }

  @Test func `integers are compared and divided to the last digit`() throws {
    let large = JSON.object(["v": try JSON(parsing: "123456789012345678901234567890")])
    #expect(try matches(["v": ["$gt": JSON(parsing: "123456789012345678901234567889")]], large))
    #expect(try matches(["v": ["$gt": JSON(parsing: "-223456789012345678901234567890")]], large))
    #expect(try matches(["v": ["$lt": JSON(parsing: "123456789012345678901234567891")]], large))
    #expect(try matches(["v": ["$mod": [JSON(Int.max), 4860475750367701695]]], large))
    #expect(try matches(["v": ["$mod": [97, JSON(123_456_789_012_345_678 % 97)]]], ["v": 123_456_789_012_345_678]))
    #expect(try matches(["v": ["$mod": [JSON(Int.min), JSON(Int.min + 1)]]], ["v": JSON(Int.min + 1)]))
    #expect(try matches(["v": ["$mod": [-1, 0]]], ["v": JSON(Int.min)]))
    #expect(try matches(["v": JSON(parsing: "-0")], ["v": 0]))
    // What is not written as an integer is none.
    #expect(try matches(["v": ["$mod": [2, 0]]], ["v": JSON(parsing: "4.0")]) == false)
    #expect(throws: PouchError.self) { try Selector(["v": ["$mod": [JSON(parsing: "2.0"), 0]]]) }
  }

  @Test func `a document's own members can be asked about`() throws {
    var document = Document(id: "d", revision: try RevisionID("2-b"), fields: ["v": 1])
    document.isDeleted = true
    document.attachments["x.txt"] = PouchCore.Attachment([1, 2], contentType: "text/plain")
    #expect(try Selector(["_id": "d"]).matches(document))
    #expect(try Selector(["_id": ["$gt": "d"]]).matches(document) == false)
    #expect(try Selector(["_rev": "2-b", "v": 1, "_deleted": true]).matches(document))
    #expect(try Selector(["_attachments": ["x\\.txt": ["content_type": "text/plain"]]]).matches(document))
    #expect(try Selector(["_deleted": ["$exists": false]]).matches(Document(id: "e")))
  }
}

struct SelectorPropertyTests {
  private struct Maker {
    var random: SeededGenerator

    mutating func value(_ depth: Int = 2) -> JSON {
      switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
      case 0: .null
      case 1: .bool(.random(using: &random))
      case 2, 3: JSON(Int.random(in: -2...2, using: &random))
      case 4, 5: JSON(["", "a", "b", "ab"].randomElement(using: &random) ?? "")
      case 6: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth - 1) })
      default: object(depth - 1)
      }
    }

    mutating func object(_ depth: Int) -> JSON {
      var object = JSON.Object()
      for name in ["a", "b", "c"] as [ExactString] where Bool.random(using: &random) { object[name] = value(depth) }
      return .object(object)
    }

    mutating func selector(_ depth: Int = 3) -> JSON {
      let field = ["a", "b", "a.b", "c.0"].randomElement(using: &random) ?? "a"
      switch Int.random(in: 0..<(depth > 0 ? 16 : 10), using: &random) {
      case 0...3:
        let name = ["$eq", "$ne", "$lt", "$lte", "$gt", "$gte"].randomElement(using: &random) ?? "$eq"
        return .object([field: .object([name: value()])])
      case 4: return .object([field: ["$exists": .bool(.random(using: &random))]])
      case 5: return .object([field: ["$in": [value(), value()]]])
      case 6: return .object([field: ["$type": "string"]])
      case 7: return .object([field: ["$size": 1]])
      case 8: return .object([field: ["$elemMatch": ["$gt": value()]]])
      case 9: return .object([field: ["$regex": "a"]])
      case 10: return ["$and": [selector(depth - 1), selector(depth - 1)]]
      case 11: return ["$or": [selector(depth - 1), selector(depth - 1)]]
      case 12: return ["$nor": [selector(depth - 1), selector(depth - 1)]]
      case 13, 14: return ["$not": selector(depth - 1)]
      default: return .object([field: ["$not": ["$lt": value()]]])
      }
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `selectors keep the laws of logic`(_ seed: UInt64) throws {
    var maker = Maker(random: SeededGenerator(seed: seed))
    for _ in 0..<100 {
      let (x, y) = (maker.selector(), maker.selector())
      let document = maker.object(2)
      let (isX, isY) = try (matches(x, document), matches(y, document))
      #expect(try matches(["$not": ["$not": x]], document) == isX, "\(x.text) \(document.text)")
      #expect(try matches(["$and": [x, y]], document) == (isX && isY))
      #expect(try matches(["$or": [x, y]], document) == (isX || isY))
      #expect(try matches(["$nor": [x]], document) == matches(["$not": x], document))
      #expect(try matches(["$not": ["$or": [x, y]]], document) == matches(["$nor": [x, y]], document))
      // Both sides of a negation may be false, of a field that is missing, but never true.
      #expect(try !(matches(["$not": x], document) && isX), "\(x.text) \(document.text)")
    }
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `values are in a total order`(_ seed: UInt64) {
    var maker = Maker(random: SeededGenerator(seed: seed))
    let values = (0..<60).map { _ in maker.value() }
    for left in values {
      #expect(JSONCollation.compare(left, left) == 0)
      for right in values {
        #expect(JSONCollation.compare(left, right) == -JSONCollation.compare(right, left))
        for third in values where JSONCollation.compare(left, right) <= 0 && JSONCollation.compare(right, third) <= 0 {
          #expect(JSONCollation.compare(left, third) <= 0)
        }
      }
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `any JSON is a selector or refused`(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let names = [
      "$and", "$or", "$not", "$in", "$elemMatch", "$mod", "$regex", "$size", "$exists", "a", "a.b", "", "$x",
    ]
    func value(_ depth: Int) -> JSON {
      switch Int.random(in: 0..<(depth > 0 ? 6 : 3), using: &random) {
      case 0: return JSON(Int.random(in: -1...1, using: &random))
      case 1: return JSON(names.randomElement(using: &random) ?? "")
      case 2: return .bool(true)
      case 3: return .array((0..<Int.random(in: 0...2, using: &random)).map { _ in value(depth - 1) })
      default:
        var object = JSON.Object()
        for _ in 0..<Int.random(in: 0...2, using: &random) {
          object[ExactString(names.randomElement(using: &random) ?? "")] = value(depth - 1)
        }
        return .object(object)
      }
    }
    for _ in 0..<200 {
      do throws(PouchError) {
        let selector = try Selector(value(5))
        _ = selector.matches(film)
        #expect(selector.json.object != nil)
      } catch {
        #expect(error.code == .badRequest)
      }
    }
  }
}
