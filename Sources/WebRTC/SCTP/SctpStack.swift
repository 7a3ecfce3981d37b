import CUSRSCTP

/// usrsctp, which exists once in a process: its settings, its timers, and the way from its packets to their association.
@RTCEngine
final class SctpStack {
  static let shared = SctpStack()

  /// Addresses of associations are numbers that usrsctp takes for pointers, so that a late packet of one that is gone finds
  /// nothing.
  private var associations: [UInt: Unmanaged<SctpAssociation>] = [:]
  private var lastAddress: UInt = 0
  private var timer: EngineTimer?
  private var lastTick = ContinuousClock.now
  private let checksum = PacketChecksum()

  /// Where messages are read into before they are known to be whole; one for all, for one thread reads.
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

  private init() {
    cusrsctp_start { address, packet, count, _, _ in
      guard let packet else { return 0 }
      let number = UInt(bitPattern: address)
      // SAFETY: usrsctp calls on the engine's thread, where this is used at once.
      nonisolated(unsafe) let bytes = UnsafeMutableRawBufferPointer(start: packet, count: count)
      RTCEngine.assumeIsolated { SctpStack.shared.send(bytes, from: number) }
      return 0
    }
    // The checksum is filled in below. On what comes in it is not looked at: DTLS has authenticated it.
    usrsctp_enable_crc32c_offload()
    usrsctp_sysctl_set_sctp_ecn_enable(0)
    usrsctp_sysctl_set_sctp_asconf_enable(0)
    usrsctp_sysctl_set_sctp_auth_enable(0)
    usrsctp_sysctl_set_sctp_nrsack_enable(0)
    usrsctp_sysctl_set_sctp_pktdrop_enable(0)
    usrsctp_sysctl_set_sctp_blackhole(2)
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0)
    usrsctp_sysctl_set_sctp_initial_cwnd(SctpTuning.initialWindow)
    usrsctp_sysctl_set_sctp_init_rto_max_default(SctpTuning.rtoMax)
    usrsctp_sysctl_set_sctp_init_rtx_max_default(SctpTuning.maxInitRetransmissions)
    // A peer that does not read is asked again and again with the same chunk, which would count as lost after 30 times.
    usrsctp_sysctl_set_sctp_max_retran_chunk(0)
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(SctpTuning.delayedAcknowledgement)
    // Fragments of a large message may fill a whole window.
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(64 * 1024)
  }

  // MARK: - Associations

  /// Gives an association its address.
  func add(_ association: SctpAssociation) -> UnsafeMutableRawPointer {
    lastAddress += 1
    associations[lastAddress] = Unmanaged.passUnretained(association)
    let address = UnsafeMutableRawPointer(bitPattern: lastAddress)!
    usrsctp_register_address(address)
    if timer == nil {
      lastTick = .now
      timer = EngineTimer(after: SctpTuning.tick, isRepeating: true) { [weak self] in self?.tick() }
    }
    return address
  }

  func remove(_ address: UnsafeMutableRawPointer) {
    usrsctp_deregister_address(address)
    associations[UInt(bitPattern: address)] = nil
    if associations.isEmpty { timer = nil }
  }

  private func tick() {
    let now = ContinuousClock.now
    let elapsed = Int((now - lastTick) / .milliseconds(1))
    guard elapsed > 0 else { return }
    lastTick += .milliseconds(elapsed)
    usrsctp_handle_timers(UInt32(clamping: elapsed))
    for association in associations.values { association.takeUnretainedValue().tick(at: now) }
  }

  // MARK: - Packets

  private func send(_ packet: UnsafeMutableRawBufferPointer, from address: UInt) {
    guard packet.count >= SctpTuning.headerBytes, let association = associations[address] else { return }
    // RFC 9260, appendix A: the checksum is over the packet with zeros in its place, which is at byte 8.
    packet.storeBytes(of: 0, toByteOffset: 8, as: UInt32.self)
    packet.storeBytes(of: checksum.of(UnsafeRawBufferPointer(packet)), toByteOffset: 8, as: UInt32.self)
    association.takeUnretainedValue().transmit(UnsafeRawBufferPointer(packet))
  }
}
