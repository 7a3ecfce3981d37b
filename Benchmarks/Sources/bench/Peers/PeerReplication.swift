import PeerPouch

/// 50,000 documents from a peer's database into a file by `peerpouch replicate`, the command's start and the opening
/// included, against a bare loop that writes the same documents.
struct PeerReplication: Benchmark {
  let name = "replicate.peer"

  private let count = 50_000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let samples = SampleDocuments(ids: .sequential).samples(0..<count)
    return try await scratch.withShared {
      try await $0.fill(count: count, .sequential)
    } _: { setting in
      var results: [Run] = []
      for _ in 0..<runs {
        let bare = try await scratch.withFile("bare.sqlite") { path in
          var bare = try BareLoops.Writer(path)
          return try await seconds {
            for start in stride(from: 0, to: count, by: SampleDocuments.batch) {
              try bare.write(samples[start..<start + SampleDocuments.batch])
            }
          }
        }
        let time = try await scratch.withFile("copy.pouch") { path in
          try await ReplicateCommand.time(setting.sharer.address, path, expecting: count, setting.environment)
        }
        results.append(Run(count, in: (time, bare)))
      }
      return [Figure(name, results, unit: "docs/s", against: "bare loop", goal: .ratioAtLeast(0.12))]
    }
  }
}

/// 200,000 documents from a peer's database into a file over a path with a round trip of 100 ms, against the same path
/// without a delay. What is measured is the time, from an open connection to the last document.
struct PeerReplicationDelayed: Benchmark {
  let name = "replicate.peer.rtt100"

  private let count = 200_000
  private let roundTrip = 100.0

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withShared {
      try await $0.fill(count: count, .sequential)
    } _: { setting in
      var results: [Run] = []
      for _ in 0..<runs {
        let near = try await time(setting, roundTrip: 0, scratch)
        results.append(Run(try await time(setting, roundTrip: roundTrip, scratch), peer: near))
      }
      return [Figure(name, results, unit: "s", against: "no delay", goal: .ratioAtMost(1.5))]
    }
  }

  private func time(_ setting: PeerSetting, roundTrip: Double, _ scratch: Scratch) async throws -> Double {
    let relay = try RelayProcess(roundTrip: roundTrip, loss: 0)
    defer { relay.stop() }
    let peer = try setting.opener(relay: relay)
    let theirs = try await Pouch(setting.sharer.address, adapters: [.peer(peer)])
    let time = try await scratch.withFile("copy.pouch") { path in
      let copy = try LocalDatabase(path: path)
      let time = try await seconds {
        let written = try await copy.replicate(from: theirs).counts.documentsWritten
        guard written == count else { throw BareError(message: "Of \(count) documents \(written) were copied.") }
      }
      try await copy.close()
      return time
    }
    await peer.close()
    return time
  }
}

/// 1,000 documents with an attachment of 100 KiB each from a peer's database into a file, against messages over a bare
/// channel.
struct PeerAttachments: Benchmark {
  let name = "peer.attachments"

  private let count = 1_000
  private let length = 100 << 10

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let channels = try ChannelPair(PeerProcess.ours)
    defer { channels.stop() }
    try channels.connect()
    return try await scratch.withShared(fill) { setting in
      var results: [Run] = []
      for _ in 0..<runs {
        let bare = try channels.speed(size: ChannelSpeed.tunnelled, seconds: 3)
        let time = try await scratch.withFile("copy.pouch") { path in
          try await ReplicateCommand.time(setting.sharer.address, path, expecting: count, setting.environment)
        }
        results.append(Run(Double(count * length) / time / 1e6, peer: bare.rate))
      }
      return [Figure(name, results, unit: "MB/s", against: "bare channel", goal: .ratioAtLeast(0.5))]
    }
  }

  private func fill(_ database: LocalDatabase) async throws {
    var generator = SystemRandomNumberGenerator()
    for number in 0..<count {
      let bytes = (0..<length / 8).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64, Array.init) }
      try await database.putAttachment(
        "image", Attachment(bytes, contentType: "image/jpeg"), to: DocumentID("photo-\(number)"), at: nil)
    }
  }
}
