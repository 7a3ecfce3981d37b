/// The settings of ICE that are not a connection's.
enum IceTuning {
  /// Milliseconds between two checks. RFC 8445 (section 14.2) allows 5 and more; libnice's own 20 make up most of the time
  /// that a connection takes.
  static let pacing: UInt32 = 5

  /// What sockets are asked to hold, in bytes. The usual 208 KiB are full after 170 packets, which a fast peer sends in the
  /// time of one change of threads.
  static let socketBuffer = 4 * 1024 * 1024

  /// How many packets in a row are dealt with before the thread looks after its other work.
  static let packetsPerTurn = 256
}
