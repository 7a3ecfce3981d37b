import DequeModule

/// The channels of a connection: their numbers, their beginning and end, and the way of their messages through SCTP.
@RTCEngine
final class ChannelTable {
  private struct Entry {
    let channel: DataChannel
    var isResetByPeer = false
    var isResetHere = false
    /// Whether this side has asked for the reset.
    var isResetting = false
    /// How often the peer's confirmation was looked for in vain.
    var looks = 0
    /// Whether nobody was told of it, so that nobody will read it.
    var isRefused = false
  }

  private enum Phase {
    case connecting
    case connected(SctpAssociation, isClient: Bool, sendLimit: Int)
    case ended(RTCError)
  }

  private var phase = Phase.connecting
  private var entries: [UInt16: Entry] = [:]
  /// Channels that were made before the connection was.
  private var waiting: [DataChannel] = []
  /// Channels that have messages to send, in turn.
  private var ready: Deque<DataChannel> = []
  /// How many channels hold up reading, and whether all together do.
  private var held = 0
  private var isFull = false
  nonisolated let backlog = Backlog()

  private let incomingStream: AsyncStream<DataChannel>
  private let incomingContinuation: AsyncStream<DataChannel>.Continuation

  nonisolated init() {
    (incomingStream, incomingContinuation) = AsyncStream.makeStream(
      bufferingPolicy: .bufferingOldest(ChannelTuning.incomingChannels))
  }

  /// Channels that the peer makes.
  nonisolated var incoming: AsyncStream<DataChannel> { incomingStream }

  // MARK: - Making channels

  func make(_ label: String, _ options: DataChannel.Options) throws(RTCError) -> DataChannel {
    if case .ended(let error) = phase { throw error }
    guard label.utf8.count <= Int(UInt16.max), options.protocolName.utf8.count <= Int(UInt16.max) else {
      throw .invalid("A channel's label and protocol have 65,535 bytes at most.")
    }
    let channel = DataChannel(label: label, options: options, isIncoming: false, table: self)
    if let id = options.negotiatedID {
      guard id < SctpTuning.streams else { throw .invalid("A channel's number is at most \(SctpTuning.streams - 1).") }
      guard entries[id] == nil else { throw .invalid("There is a channel \(id) already.") }
      entries[id] = Entry(channel: channel)
    }
    if case .connected = phase { try begin(channel) } else { waiting.append(channel) }
    return channel
  }

  /// Gives a channel its number, and tells the peer of it.
  private func begin(_ channel: DataChannel) throws(RTCError) {
    guard case .connected(let association, let isClient, let limit) = phase else { return }
    let streams = association.streams
    if let id = channel.options.negotiatedID {
      guard id < streams else {
        entries[id] = nil
        throw .exhausted("The peer has \(streams) streams only.")
      }
      channel.update { $0.open(id: id, sendLimit: limit, isAcknowledged: true) }
      // What waited to be sent was let in just now.
      return hasMessages(channel)
    }
    // RFC 8832, section 6: the DTLS client uses even numbers, the server odd ones.
    let candidates = stride(from: isClient ? 0 : 1, to: streams, by: 2)
    guard let id = candidates.first(where: { entries[$0] == nil }) else {
      throw .exhausted("There are as many channels as there can be.")
    }
    guard let open = try? DCEPOpen(channel) else {
      throw .invalid("A channel's label and protocol have 65,535 bytes at most.")
    }
    entries[id] = Entry(channel: channel)
    let message = DCEPMessage.open(open)
    channel.update { state in
      state.open(id: id, sendLimit: limit, isAcknowledged: false)
      state.pushControl(message.bytes)
    }
    hasMessages(channel)
  }

  // MARK: - The connection

  /// - Parameter sendLimit: the largest message that can be sent, in bytes.
  func connected(_ association: SctpAssociation, isClient: Bool, sendLimit: Int) {
    guard case .connecting = phase else { return }
    phase = .connected(association, isClient: isClient, sendLimit: sendLimit)
    let waiting = self.waiting
    self.waiting = []
    for channel in waiting {
      do throws(RTCError) { try begin(channel) } catch { end(channel, error) }
    }
  }

  /// Ends all channels.
  func ended(_ error: RTCError) {
    if case .ended = phase { return }
    phase = .ended(error)
    let channels = waiting + entries.values.map(\.channel)
    (waiting, entries, ready, held) = ([], [:], [], 0)
    for channel in channels { end(channel, error) }
    incomingContinuation.finish()
  }

  private func end(_ channel: DataChannel, _ error: RTCError?) {
    if channel.update({ $0.end(error) }) { release() }
  }

  // MARK: - Sending

  /// A channel has something to send.
  func hasMessages(_ channel: DataChannel) {
    ready.append(channel)
    pump()
  }

  /// Hands messages to SCTP, one of each channel in turn, until there are none or it has no room.
  func pump() {
    guard case .connected(let association, _, _) = phase else { return }
    while let channel = ready.popFirst() {
      guard let (message, delivery) = channel.update({ $0.next(channel.options) }) else {
        resetIfDone(channel)
        continue
      }
      switch message.bytes.withUnsafeBytes({ association.send($0, delivery) }) {
      case .all:
        channel.update { $0.sent() }
        ready.append(channel)
      case .full:
        ready.prepend(channel)
        return
      case .failed:
        if let id = channel.id, entries[id]?.channel === channel { entries[id] = nil }
        end(channel, .closedByPeer)
      }
    }
  }

  // MARK: - Receiving

  func receive(_ bytes: UnsafeRawBufferPointer, _ payload: PayloadProtocol, on stream: UInt16) {
    if payload == .control { return receiveControl(bytes, on: stream) }
    // What comes for a channel that was closed here, or that nobody opened, means nothing to anybody.
    guard let entry = entries[stream], !entry.isRefused, let message = DataChannel.Message(bytes, payload)
    else { return }
    let hasRoom = !backlog.isLeftFull
    if entry.channel.update({ $0.receive(message, hasRoom: hasRoom) }) { held += 1 }
    if backlog.isFull { isFull = true }
    if held > 0 || isFull { association?.isReadingPaused = true }
  }

  private var association: SctpAssociation? {
    if case .connected(let association, _, _) = phase { association } else { nil }
  }

  /// A channel that held up reading was read from.
  func isRead(_ channel: DataChannel) {
    release()
  }

  private func release() {
    held = max(0, held - 1)
    readOn()
  }

  /// Channels together hold little again.
  func backlogShrank() {
    isFull = backlog.isFull
    readOn()
  }

  private func readOn() {
    if held == 0, !isFull { association?.isReadingPaused = false }
  }

  private func receiveControl(_ bytes: UnsafeRawBufferPointer, on stream: UInt16) {
    guard let message = try? DCEPMessage(parsing: bytes) else { return refuse(stream) }
    switch message {
    case .acknowledge:
      entries[stream]?.channel.update { $0.acknowledge() }
    case .open(let open):
      guard case .connected(let association, let isClient, let limit) = phase, (stream % 2 == 0) != isClient,
        stream < association.streams, isFree(stream)
      else { return refuse(stream) }
      if let old = entries.removeValue(forKey: stream) {
        association.cancelReset(of: stream)
        end(old.channel, nil)
      }
      let channel = DataChannel(label: open.label, options: .init(open), isIncoming: true, table: self)
      entries[stream] = Entry(channel: channel)
      channel.update { state in
        state.open(id: stream, sendLimit: limit, isAcknowledged: true)
        state.pushControl(DCEPMessage.acknowledge.bytes)
      }
      hasMessages(channel)
      if case .enqueued = incomingContinuation.yield(channel) { return }
      entries[stream]?.isRefused = true
      close(channel)
    }
  }

  /// Whether the peer may open a channel on a stream.
  ///
  /// It may take the number of one that both sides have reset as soon as it knows that, which may be before its
  /// confirmation has come here.
  private func isFree(_ stream: UInt16) -> Bool {
    guard let entry = entries[stream] else { return true }
    return entry.isResetByPeer && entry.isResetting
  }

  /// RFC 8832, section 6: what makes no sense closes the stream.
  private func refuse(_ stream: UInt16) {
    if let entry = entries[stream] { close(entry.channel) } else { association?.reset(stream) }
  }

  // MARK: - Closing

  /// Closes a channel once what it has is sent.
  func close(_ channel: DataChannel) {
    if channel.update({ $0.beginClosing() }) { release() }
    guard channel.id != nil else {
      waiting.removeAll { $0 === channel }
      if let id = channel.options.negotiatedID { entries[id] = nil }
      return end(channel, nil)
    }
    resetIfDone(channel)
  }

  private func resetIfDone(_ channel: DataChannel) {
    guard let id = channel.id, let entry = entries[id], entry.channel === channel, !entry.isResetting,
      channel.update({ $0.phase == .closing && $0.isAllSent })
    else { return }
    entries[id]?.isResetting = true
    association?.reset(id)
  }

  /// The peer will send no more on a stream.
  func incomingReset(_ stream: UInt16) {
    guard let entry = entries[stream] else { return }
    entries[stream]?.isResetByPeer = true
    // RFC 8831, section 6.7: it is answered in kind.
    close(entry.channel)
    endIfReset(stream)
  }

  /// The peer knows that no more will come on a stream.
  func outgoingReset(_ stream: UInt16) {
    // It may be of the channel that had the number before.
    guard entries[stream]?.isResetting == true else { return }
    entries[stream]?.isResetHere = true
    entries[stream]?.looks = 0
    // The turn of those that wait behind it comes.
    for (other, entry) in entries where !entry.isResetHere && entry.looks > 0 { entries[other]?.looks = 0 }
    endIfReset(stream)
  }

  /// The peer does not take this side's end of a channel.
  func resetRefused(_ stream: UInt16) {
    guard let entry = entries[stream], entry.isResetting else { return }
    end(entry.channel, .violation("It refuses the end of a channel."))
  }

  /// Called now and then: ends channels whose end the peer has not confirmed for so many calls. Their numbers stay taken
  /// until it does.
  func giveUpClosing(afterLooks looks: Int) {
    for (stream, entry) in entries where entry.isResetting && entry.looks < looks {
      entries[stream]?.looks += 1
      if entry.looks + 1 == looks { end(entry.channel, .timedOut) }
    }
  }

  private func endIfReset(_ stream: UInt16) {
    guard let entry = entries[stream], entry.isResetByPeer, entry.isResetHere else { return }
    entries[stream] = nil
    end(entry.channel, nil)
  }
}

extension ChannelState {
  /// The next message, and how it is sent.
  fileprivate mutating func next(
    _ options: DataChannel.Options
  ) -> (OutgoingMessage, SctpAssociation.Delivery)? {
    guard let message = nextOutgoing(), let id else { return nil }
    guard message.payload != .control else {
      return (message, SctpAssociation.Delivery(stream: id, payload: .control))
    }
    return (
      message,
      SctpAssociation.Delivery(
        stream: id, payload: message.payload, isOrdered: options.isOrdered || !isAcknowledged,
        reliability: options.reliability)
    )
  }
}

extension DCEPOpen {
  fileprivate init(_ channel: DataChannel) throws(DCEPError) {
    let reliability: Reliability =
      switch channel.options.reliability {
      case .reliable: .reliable
      case .maxRetransmits(let count): .maxRetransmits(UInt32(count))
      case .maxPacketLifeTime(let milliseconds): .maxPacketLifeTime(UInt32(milliseconds))
      }
    try self.init(
      label: channel.label, protocol: channel.options.protocolName, reliability: reliability,
      isOrdered: channel.options.isOrdered)
  }
}

extension DataChannel.Options {
  fileprivate init(_ open: DCEPOpen) {
    self.init()
    isOrdered = open.isOrdered
    protocolName = open.protocol
    reliability =
      switch open.reliability {
      case .reliable: .reliable
      case .maxRetransmits(let count): .maxRetransmits(UInt16(clamping: count))
      case .maxPacketLifeTime(let milliseconds): .maxPacketLifeTime(milliseconds: UInt16(clamping: milliseconds))
      }
  }
}
