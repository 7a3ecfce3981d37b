import PeerPouch
import Foundation
let db = try await Pouch("/tmp/smoke.pouch")
let r = try await db.put(["_id": "a", "v": 1])
print(r, try await db.get("a").json.text, try await db.info())
for try await c in db.changes(.once.including(.documents)) { print(c.sequence, c.id, c.revisions, c.document!.json.text) }
try await db.putAttachment("x", Attachment([UInt8](repeating: 7, count: 5_000_000)), to: "a", at: r)
print(try await db.get("a").json.text, try await db.getAttachment("x", of: "a").content.bytes().count)
try await db.compact()
print(try await (db as! LocalDatabase).integrityCheck())
try await db.destroy()
