import PeerPouch

/// Tells what happens at a share: on standard output, since that is what the command is for. On a terminal a status shows
/// who is connected now.
struct ShareReport: Sendable {
  private let share: Share
  private let console: Console
  private let events: AsyncStream<ShareEvent>

  init(_ share: Share, _ console: Console) {
    self.share = share
    self.console = console
    events = share.events
  }

  /// Prints where the share is, and its ticket.
  func begin(_ own: Fingerprint) throws {
    if console.isJSON {
      var object: JSON.Object = [
        "event": "sharing", "url": JSON(share.dbname), "name": JSON(share.name), "access": JSON(share.access.rawValue),
        "identity": JSON(own.text),
      ]
      object["ticket"] = share.ticket.map { JSON($0.text) }
      try console.print(json: .object(object))
    } else {
      try console.print("Sharing \(PeerText.plain(share.name)), \(share.access.rawValue), as \(own.short)")
      try console.print("URL: \(share.dbname)")
      if let ticket = share.ticket { try console.print("Ticket: \(ticket.text)") }
    }
    try console.output.flush()
  }

  /// Prints what happens until the task is cancelled.
  func follow() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      if console.diagnostics.style == .status { group.addTask { await showStatus() } }
      group.addTask {
        for await event in events {
          try print(event)
          try console.output.flush()
        }
      }
      // Whichever ends first: the events where the task is cancelled, or nobody reads them.
      try await group.next()
    }
  }

  // MARK: Events

  private func print(_ event: ShareEvent) throws {
    if console.isJSON {
      try console.print(json: ShareReport.json(event))
    } else {
      console.diagnostics.clearStatus()
      try console.print(ShareReport.sentence(event))
    }
  }

  static func sentence(_ event: ShareEvent) -> String {
    switch event {
    case .joined(let remote): "joined \(who(remote)): \(way(remote))"
    case .left(let remote): "left \(who(remote)): \(traffic(remote))"
    case .refused(let identity, let refusal): "refused \(identity.short): \(PeerText.plain(refusal.rawValue))"
    case .ticketReused(let identity, let owner):
      "warning: \(identity.short) shows a ticket that belongs to \(owner.short); it was passed on, or stolen"
    case .sharedElsewhere: "warning: another process shares the same database on this hub; remotes find one of the two"
    case .hubLost(let reason): "hub lost: \(reason)"
    case .hubFound: "hub found"
    }
  }

  private static func who(_ remote: ConnectedRemote) -> String {
    remote.identity.short + (PeerText.name(in: remote.info).map { " (calls itself \($0))" } ?? "")
  }

  private static func way(_ remote: ConnectedRemote) -> String {
    let path = remote.path.map { "\($0.kind.rawValue), \($0.local) to \($0.remote)" } ?? "path unknown"
    return path + (remote.roundTrip.map { ", \(PeerText.milliseconds($0))" } ?? "")
  }

  private static func traffic(_ remote: ConnectedRemote) -> String {
    "\(ProgressMeter.size(remote.sent)) sent, \(ProgressMeter.size(remote.received)) received"
      + (remote.roundTrip.map { ", \(PeerText.milliseconds($0))" } ?? "")
  }

  static func json(_ event: ShareEvent) -> JSON {
    switch event {
    case .joined(let remote): json("joined", remote)
    case .left(let remote): json("left", remote)
    case .refused(let identity, let refusal):
      ["event": "refused", "identity": JSON(identity.text), "reason": JSON(refusal.rawValue)]
    case .ticketReused(let identity, let owner):
      ["event": "ticket_reused", "identity": JSON(identity.text), "owner": JSON(owner.text)]
    case .sharedElsewhere: ["event": "shared_elsewhere"]
    case .hubLost(let reason): ["event": "hub_lost", "reason": JSON(reason)]
    case .hubFound: ["event": "hub_found"]
    }
  }

  private static func json(_ event: String, _ remote: ConnectedRemote) -> JSON {
    var object: JSON.Object = [
      "event": JSON(event), "identity": JSON(remote.identity.text), "info": remote.info, "sent": JSON(remote.sent),
      "received": JSON(remote.received), "since": JSON(remote.since),
    ]
    PeerText.add(remote.path, remote.roundTrip, to: &object)
    return .object(object)
  }

  // MARK: Status

  /// Shows who is connected, once a second, until the task is cancelled.
  private func showStatus() async {
    while !Task.isCancelled {
      let remotes = await share.remotes
      if remotes.isEmpty {
        console.diagnostics.clearStatus()
      } else {
        let parts = remotes.map { "\($0.identity.short) \(ShareReport.traffic($0))" }
        console.diagnostics.status("connected: \(parts.joined(separator: "; "))")
      }
      guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
    }
  }
}
