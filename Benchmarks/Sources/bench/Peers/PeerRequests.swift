import PeerPouch

/// From the address of a share to the first answer of its database: the hub is asked, the owner answers, a connection is
/// made. Each run is the median of several openings, with nothing kept between them.
struct PeerOpening: Benchmark {
  let name = "peer.open"

  private let count = 15

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let channels = try ChannelPair(PeerProcess.ours)
    defer { channels.stop() }
    return try await scratch.withShared {
      try await $0.fill(count: 10, .sequential)
    } _: { setting in
      var results: [Run] = []
      for _ in 0..<runs {
        var times: [Double] = []
        var bare: [Double] = []
        for _ in 0..<count {
          bare.append(try channels.connect() * 1000)
          try channels.disconnect()
          let peer = try setting.opener()
          times.append(
            try await seconds {
              let database = try await Pouch(setting.sharer.address, adapters: [.peer(peer)])
              _ = try await database.info()
            } * 1000)
          await peer.close()
        }
        results.append(Run(median(times), peer: median(bare)))
      }
      return [Figure(name, results, unit: "ms", against: "bare connection", goal: .below(150))]
    }
  }
}

/// `get` of one document after the other over the tunnel, against the bare round trip of a channel.
struct PeerGet: Benchmark {
  let name = "peer.get"

  private let count = 3000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let channels = try ChannelPair(PeerProcess.ours)
    defer { channels.stop() }
    try channels.connect()
    return try await scratch.withShared {
      try await $0.fill(count: 1000, .random)
    } _: { setting in
      let peer = try setting.opener()
      let database = try await Pouch(setting.sharer.address, adapters: [.peer(peer)])
      let samples = SampleDocuments(ids: .random)
      var results: [Run] = []
      for _ in 0..<runs {
        let bare = try channels.roundTrip(size: SampleDocuments.size, count: count)
        var times: [Double] = []
        for number in 0..<count {
          let id = DocumentID(samples.id(number % 1000))
          times.append(try await seconds { _ = try await database.get(id) } * 1000)
        }
        results.append(Run(median(times), peer: bare / 1000))
      }
      await peer.close()
      return [Figure(name, results, unit: "ms", against: "bare round trip", goal: .below(0.5))]
    }
  }
}

/// 1,000 `get`s at once over the tunnel, again and again, against the same from our server over HTTP.
struct PeerGets: Benchmark {
  let name = "peer.gets"

  private let atOnce = 1000
  private let rounds = 20

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withShared {
      try await $0.fill(count: 1000, .random)
    } _: { setting in
      try setting.hub.fill("notes", count: 1000, .random)
      let peer = try setting.opener()
      let theirs = try await Pouch(setting.sharer.address, adapters: [.peer(peer)])
      let overHTTP = try await Pouch(setting.hub.url("notes"), .mustExist)
      var results: [Run] = []
      for _ in 0..<runs {
        let times = try await alternating(turns: rounds) { _ in
          try await get(theirs)
        } against: { _ in
          try await get(overHTTP)
        }
        results.append(Run(atOnce * rounds, in: times))
      }
      try await overHTTP.close()
      await peer.close()
      return [Figure(name, results, unit: "gets/s", against: "HTTP", goal: .atLeast(8000))]
    }
  }

  private func get(_ database: any Database) async throws {
    let samples = SampleDocuments(ids: .random)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<atOnce {
        group.addTask { _ = try await database.get(DocumentID(samples.id(number))) }
      }
      try await group.waitForAll()
    }
  }
}
