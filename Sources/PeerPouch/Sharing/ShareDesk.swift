import CouchAPI
import Logging
import PeerTrust
import PeerTunnel
import PouchCore

/// Where the offers to a share arrive and are decided about. It is the share's state; ``Share`` is its handle.
///
/// Work that takes time is done in ``run()``'s task group: openings, questions to the program, and the deletion of signals.
actor ShareDesk {
  /// What is shared, and how.
  struct Terms: Sendable {
    let name: String
    let info: JSON
    let access: ShareAccess
    var gate: Gate
    let onRemote: RemoteHandler?
    let permissions: SharePermissions
    /// How long the first ticket is good; always if `nil`.
    var ticketLifetime: Duration?
  }

  nonisolated let address: ShareAddress
  nonisolated let name: String
  nonisolated let access: ShareAccess
  nonisolated let events = Broadcast<ShareEvent>()
  nonisolated let peer: LocalPeer
  nonisolated let hub: any Database
  nonisolated let database: any Database
  nonisolated let grant: PeerGrant
  /// Whether somebody may have to be asked.
  nonisolated let asks: Bool
  let salt: ShareSalt
  var terms: Terms
  var ledger: ShareLedger
  var reception: OfferReception
  var random: RandomSource
  /// The epoch of the record that was written last.
  var published: AgreementKey?
  /// Whether the hub may have a record of this share.
  var mayBeListed = false
  /// Held while the share lasts, so that others who share the same see it.
  var lock: FileLock?
  /// Where further candidates of an opening go.
  var inboxes: [SessionID: AsyncStream<Signal>.Continuation] = [:]
  private var sessions: [ObjectIdentifier: PeerSession] = [:]
  /// Remotes that were let in and whose connection is being made; those that are put out meanwhile are not there any more.
  private var admissions: [Switchboard.Place: Fingerprint] = [:]
  /// How many questions about an identity wait for the program, of those over connections.
  private var questions: [Fingerprint: Int] = [:]
  /// Nobody is let in any more.
  private var hasEnded = false
  private let work: AsyncStream<Work>
  private let workers: AsyncStream<Work>.Continuation
  /// Opened when the record has to be looked after earlier than planned.
  var alarm = Latch<Void>()

  nonisolated var id: ShareID { address.share }
  nonisolated var options: PeerOptions { peer.options }

  /// What is to be done in a task of its own.
  enum Work: Sendable {
    case ask(ReceivedOffer, TicketBook.Verdict)
    case open(ReceivedOffer)
    case refuse(ReceivedOffer, Refusal)
    case watch(PeerSession)
    case delete([Document])
  }

  /// That a remote was let in.
  struct Admission: Sendable {
    let place: Switchboard.Place
  }

  /// How much work may wait; what comes beyond it is dropped. Offers are bounded before: 200 within a second.
  private static let waitingWork = 1024

  init(
    _ database: any Database, _ hub: any Database, _ address: ShareAddress, _ salt: ShareSalt, _ terms: Terms,
    _ ledger: ShareLedger, _ peer: LocalPeer
  ) {
    self.database = database
    self.hub = hub
    self.address = address
    self.salt = salt
    self.terms = terms
    self.ledger = ledger
    self.peer = peer
    name = terms.name
    access = terms.access
    asks = terms.gate.asks
    grant = terms.permissions.grant(terms.access)
    random = peer.options.random
    reception = OfferReception(
      share: address.share, owner: peer.identity.key, at: peer.options.time.now(), using: &random)
    (work, workers) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(ShareDesk.waitingWork))
  }

  // MARK: Running

  /// The first record, after which the share can be found and opened.
  /// - Returns: after which position of the hub signals are to be read.
  /// - Throws: what the hub throws. The record may be there all the same.
  func open() async throws -> UpdateSequence {
    // Asked first: it also tells the hub's date.
    let position = try await hub.info().updateSequence
    try await publish()
    return position
  }

  /// Takes offers until the task is cancelled.
  /// - Parameter position: of the hub, after which signals are read.
  func run(after position: UpdateSequence) async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.keepRecord() }
      group.addTask { await self.readSignals(after: position) }
      group.addTask { await self.watchForgotten() }
      for await work in work {
        group.addTask { await self.perform(work) }
      }
      group.cancelAll()
    }
  }

  /// Lets nobody in any more, and drops who is connected. To be called before the task is cancelled, whose work at the hub
  /// may take its time to end.
  func dismiss() async {
    hasEnded = true
    let leaving = sessions.values
    sessions = [:]
    for session in leaving { session.withdraw(id) }
    for session in leaving { await left(session) }
  }

  /// After ``run(after:)``: removes the record.
  func end() async {
    workers.finish()
    for inbox in inboxes.values { inbox.finish() }
    lock = nil
    guard mayBeListed else { return events.end() }
    do {
      let writer = RecordWriter(hub, id)
      guard try await options.time.lastly({ try await writer.remove() }) != nil else { throw PouchError(.timeout) }
    } catch {
      options.logger.notice(
        "A share could not be removed from the hub; it disappears when its lease is over.",
        metadata: ["share": "\(id)", "error": "\(error)"])
    }
    events.end()
  }

  /// Takes signals until the task is cancelled. No error is final: hubs start again, are restored, and lose and get their
  /// databases.
  private func readSignals(after position: UpdateSequence) async {
    var feed: SignalFeed
    do {
      feed = try SignalFeed(hub, to: id.text, after: position, options)
    } catch {
      preconditionFailure("A share's id can be asked for: \(error)")
    }
    var backOff = BackOff()
    var isLost = false
    while !Task.isCancelled {
      do {
        // A feed answers when there are signals, which may be never: after a loss it is read without waiting for any.
        let documents = isLost ? try await feed.present() : try await feed.next()
        backOff.reset()
        if isLost {
          isLost = false
          events.send(.hubFound)
          // The record may be gone, or its lease over.
          published = nil
          alarm.open(())
        }
        workers.yield(.delete(documents))
        for document in documents { receive(document) }
      } catch {
        guard !Task.isCancelled else { return }
        if !isLost { events.send(.hubLost((error as? PouchError)?.reason ?? "\(error)")) }
        isLost = true
        guard (try? await options.time.sleep(backOff.next(using: &random))) != nil else { return }
      }
    }
  }

  // MARK: Offers

  /// Takes a signal. Whatever is not valid is ignored, not answered.
  private func receive(_ document: Document) {
    guard let signal = try? Signal(document) else { return }
    switch signal.kind {
    case .more?:
      if let session = SessionID(signal.sender) { inboxes[session]?.yield(signal) }
    case .offer?:
      receiveOffer(document)
    case .answer?, nil:
      return
    }
  }

  private func receiveOffer(_ document: Document) {
    let offer: ReceivedOffer
    do throws(Rejection) {
      offer = try reception.receive(document, at: options.time.now(), using: &random)
    } catch {
      options.logger.debug("An offer is ignored.", metadata: ["share": "\(id)", "check": "\(error)"])
      return
    }
    if reception.epoch != published { alarm.open(()) }
    guard peer.switchboard.hasRoom(for: offer.remote) else {
      workers.yield(.refuse(offer, .busy))
      return
    }
    switch judge(offer.remote, offer.ticket) {
    case .admit: workers.yield(.open(offer))
    case .ask(let verdict):
      reception.ask(about: offer.session, at: options.time.now())
      workers.yield(.ask(offer, verdict))
    case .refuse(let refusal): workers.yield(.refuse(offer, refusal))
    }
  }

  /// What the gate says. A ticket that lets in is claimed in the same step.
  private func judge(_ remote: IdentityKey, _ proof: TicketProof?) -> Gate.Decision {
    let verdict = ledger.book.verdict(on: proof, by: remote, at: options.time.now())
    if case .claimed(let owner) = verdict {
      events.send(.ticketReused(by: remote.fingerprint, claimedBy: owner.fingerprint))
    }
    let decision = terms.gate.decision(on: remote.fingerprint, ticket: verdict)
    if case .ask = decision, ledger.admitted.contains(remote.fingerprint) { return .admit(.ask) }
    if case .admit(.ticket) = decision, case .good(let ticket) = verdict {
      ledger.book.claim(ticket, by: remote)
      keepLedger()
    }
    return decision
  }

  private func perform(_ work: Work) async {
    switch work {
    case .delete(let documents): await SignalFeed.delete(documents, from: hub, options.time)
    case .watch(let session): await watch(session)
    case .refuse(let offer, let refusal): await refuse(offer, refusal)
    case .open(let offer): await open(offer)
    case .ask(let offer, let verdict):
      let isWelcome = await ask(about: offer.remote.fingerprint, offer.info, verdict)
      // Nobody has decided about it: the share has ended meanwhile.
      guard !Task.isCancelled else { return await takeBack(offer) }
      guard isWelcome else { return await refuse(offer, .forbidden) }
      reception.proceed(with: offer.session, at: options.time.now())
      await open(offer)
    }
  }

  /// Asks the program about a remote.
  private func ask(about remote: Fingerprint, _ info: JSON, _ ticket: TicketBook.Verdict) async -> Bool {
    guard let onRemote = terms.onRemote else { return false }
    let request = RemoteRequest(
      remote, info: info, ticket: ticket, standing: peer.standing(of: remote, named: info["name"]?.string ?? ""))
    let decision = Latch<Bool>()
    // In a task of its own: a program that does not heed cancellation holds up neither the refusal nor the share's end.
    let question = Task { @concurrent in
      await onRemote(request)
      decision.open(!request.isPrevented)
    }
    defer { question.cancel() }
    let answer = try? await options.time.limit(TrustLimits.decision) { try await decision.wait() }
    guard answer ?? false else { return false }
    if request.isRemembered {
      ledger.admit(remote)
      keepLedger()
    }
    return true
  }

  private func refuse(_ offer: ReceivedOffer, _ refusal: Refusal) async {
    reception.end(offer.session)
    events.send(.refused(offer.remote.fingerprint, refusal))
    let signal = offer.refuse(as: peer.identity, refusal, using: &random)
    // The opener deletes what it reads; if it is gone, this is swept.
    _ = try? await options.time.limit(TrustLimits.handshake) { [hub, options] in
      try await SignalPost(hub, options).write(signal)
    }
  }

  /// Tells an opener that waits for a decision that there will be none.
  private func takeBack(_ offer: ReceivedOffer) async {
    reception.end(offer.session)
    let signal = offer.refuse(as: peer.identity, .closed, using: &random)
    _ = try? await options.time.lastly { [hub, options] in try await SignalPost(hub, options).write(signal) }
  }

  /// Makes the connection to a remote that was let in.
  private func open(_ offer: ReceivedOffer) async {
    // Others may have come since it was decided.
    guard let place = peer.switchboard.place(for: offer.remote) else { return await refuse(offer, .busy) }
    admissions[place] = offer.remote.fingerprint
    defer {
      admissions[place] = nil
      peer.switchboard.giveBack(place)
    }
    let (further, inbox) = AsyncStream.makeStream(
      of: Signal.self, bufferingPolicy: .bufferingNewest(TrustLimits.furtherSignals))
    inboxes.updateValue(inbox, forKey: offer.session)?.finish()
    let answering = Answering(desk: self, offer: offer, further: further, admission: Admission(place: place))
    do {
      try await options.time.limit(TrustLimits.handshake) { try await answering.run() }
    } catch {
      options.logger.debug("An opening has failed.", metadata: ["share": "\(id)", "error": "\(error)"])
    }
    inboxes.removeValue(forKey: offer.session)?.finish()
    reception.end(offer.session)
  }

  // MARK: Remotes

  /// A session that uses this share now; the end of it is watched.
  /// - Returns: whether it may: not if the remote was put out while the connection was made.
  func attach(_ session: PeerSession, _ admission: Admission) -> Bool {
    guard admissions[admission.place] != nil else { return false }
    return attach(session)
  }

  /// - Returns: whether it may: not after the share has ended.
  private func attach(_ session: PeerSession) -> Bool {
    guard !hasEnded else { return false }
    session.serves(id)
    if sessions.updateValue(session, forKey: ObjectIdentifier(session)) == nil { workers.yield(.watch(session)) }
    return true
  }

  private func watch(_ session: PeerSession) async {
    // Strangers that nobody has decided about would take the places of those that are known.
    if !terms.gate.isOpen { peer.remember(session.remote.fingerprint, named: session.info["name"]?.string ?? "") }
    events.send(.joined(await ConnectedRemote(session)))
    guard (try? await session.ended()) != nil else { return }
    if sessions.removeValue(forKey: ObjectIdentifier(session)) != nil { await left(session) }
  }

  private func left(_ session: PeerSession) async {
    events.send(.left(await ConnectedRemote(session)))
  }

  var remotes: [ConnectedRemote] {
    get async {
      var remotes: [ConnectedRemote] = []
      for session in sessions.values { remotes.append(await ConnectedRemote(session)) }
      return remotes.sorted { $0.since < $1.since }
    }
  }

  func disconnect(_ identity: Fingerprint) async {
    for (place, remote) in admissions where remote == identity { admissions[place] = nil }
    for (key, session) in sessions where session.remote.fingerprint == identity {
      sessions[key] = nil
      session.withdraw(id)
      await left(session)
    }
  }

  /// What a remote is told that wants to use this share over a connection which is there.
  func decide(_ opening: ShareOpening, _ session: PeerSession) async -> ShareDecision {
    switch judge(session.remote, session.proof(in: opening, of: id)) {
    case .admit: break
    case .ask(let verdict):
      let remote = session.remote.fingerprint
      guard questions[remote, default: 0] < TrustLimits.pendingPerIdentity else { return refused(session, .busy) }
      questions[remote, default: 0] += 1
      let isWelcome = await ask(about: remote, session.info, verdict)
      questions[remote] = questions[remote].flatMap { $0 > 1 ? $0 - 1 : nil }
      guard isWelcome else { return refused(session, .forbidden) }
    case .refuse(let refusal): return refused(session, refusal)
    }
    // It may have ended while somebody was asked.
    guard attach(session) else { return refused(session, .closed) }
    return .accepted(handler(for: session.remote, session.quota))
  }

  private func refused(_ session: PeerSession, _ refusal: Refusal) -> ShareDecision {
    events.send(.refused(session.remote.fingerprint, refusal))
    return .refused(refusal.rawValue)
  }

  /// What answers the requests of a remote that was let in.
  nonisolated func handler(for remote: IdentityKey, _ quota: PeerQuota) -> ShareHandler {
    let freeSpace = FreeSpace(of: database)
    let access = PeerAccess(
      to: database, as: id.text, for: remote.fingerprint.text, grant, quota, limits: options.access,
      freeSpace: { freeSpace.bytes })
    return { await access.respond(to: $0) }
  }
}
