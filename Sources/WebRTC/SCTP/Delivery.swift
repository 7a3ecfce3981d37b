import CUSRSCTP

/// What a message is, as SCTP says it: the payload protocol identifiers of WebRTC (RFC 8831, section 8).
enum PayloadProtocol: Hashable, Sendable {
  case control
  case text
  case binary
  case emptyText
  case emptyBinary
  case other(UInt32)

  init(rawValue: UInt32) {
    switch rawValue {
    case 50: self = .control
    case 51: self = .text
    case 53: self = .binary
    case 56: self = .emptyText
    case 57: self = .emptyBinary
    default: self = .other(rawValue)
    }
  }

  var rawValue: UInt32 {
    switch self {
    case .control: 50
    case .text: 51
    case .binary: 53
    case .emptyText: 56
    case .emptyBinary: 57
    case .other(let value): value
    }
  }
}

extension SctpAssociation.Delivery {
  var information: sctp_sendv_spa {
    var information = sctp_sendv_spa()
    information.sendv_flags = UInt32(SCTP_SEND_SNDINFO_VALID) | UInt32(SCTP_SEND_PRINFO_VALID)
    information.sendv_sndinfo.snd_sid = stream
    information.sendv_sndinfo.snd_ppid = payload.rawValue.bigEndian
    // A message is sent when it is there, and whole.
    information.sendv_sndinfo.snd_flags = UInt16(SCTP_EOR)
    if !isOrdered { information.sendv_sndinfo.snd_flags |= UInt16(SCTP_UNORDERED) }
    switch reliability {
    case .reliable:
      // Sent again as often as it takes. That it has a limit at all keeps usrsctp from its shortened handling of
      // acknowledgements, which does not restart the retransmission timer (RFC 9260, section 6.3.2, R3): under a steady
      // flow that would run out once each time-out, and then take whatever is on its way a little longer than usual for
      // lost, and close the congestion window. The limit, which usrsctp keeps as a signed number, is never reached: it counts
      // in 16 bits. (Its NR-SACKs, which would let the peer skip such messages, are off.)
      information.sendv_prinfo = sctp_prinfo(pr_policy: UInt16(SCTP_PR_SCTP_RTX), pr_value: UInt32(Int32.max))
    case .maxRetransmits(let count):
      information.sendv_prinfo = sctp_prinfo(pr_policy: UInt16(SCTP_PR_SCTP_RTX), pr_value: UInt32(count))
    case .maxPacketLifeTime(let milliseconds):
      information.sendv_prinfo = sctp_prinfo(pr_policy: UInt16(SCTP_PR_SCTP_TTL), pr_value: UInt32(milliseconds))
    }
    return information
  }
}
