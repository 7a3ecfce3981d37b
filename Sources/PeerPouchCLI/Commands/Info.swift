import ArgumentParser
import PeerPouch

struct Info: PouchCommand {
  static let configuration = CommandConfiguration(abstract: "Prints the state of a database.")

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument

  func perform(_ console: Console) async throws {
    let info = try await target.open(.mustExist, console) { try await $0.info() }
    guard !console.isJSON else {
      try console.print(json: info.json)
      return
    }
    let rows = [
      ("name", info.name), ("uuid", info.uuid), ("documents", ProgressMeter.grouped(Int64(info.documentCount))),
      ("deleted", ProgressMeter.grouped(Int64(info.deletedCount))), ("sequence", info.updateSequence.description),
      ("size", ProgressMeter.size(info.fileSize)), ("in use", ProgressMeter.size(info.activeSize)),
    ]
    for (name, value) in rows { try console.print([name, value]) }
  }
}

extension DatabaseInfo {
  /// As CouchDB answers `GET /db`, with our `uuid`.
  fileprivate var json: JSON {
    [
      "db_name": JSON(name), "uuid": JSON(uuid), "doc_count": JSON(documentCount), "doc_del_count": JSON(deletedCount),
      "update_seq": JSON(updateSequence.description), "sizes": ["file": JSON(fileSize), "active": JSON(activeSize)],
      "instance_start_time": JSON(String(instanceStartTime)), "compact_running": JSON(isCompacting),
    ]
  }
}
