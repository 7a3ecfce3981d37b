#if canImport(Glibc)
  import CMalloc
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What this process takes of the machine.
enum ProcessUsage {
  /// The processor time so far in seconds, in user and system mode, of all threads.
  static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
  }

  #if os(Linux)
    /// The resident memory in bytes.
    static var residentBytes: Int { status("VmRSS:") }

    /// The most resident memory there was since the last ``settle()``, in bytes.
    static var peakBytes: Int { status("VmHWM:") }

    /// Gives memory that was freed back to the system, so that it does not hide growth, and forgets the peak so far
    /// (proc(5), `/proc/PID/clear_refs`).
    static func settle() {
      malloc_trim(0)
      guard let file = fopen("/proc/self/clear_refs", "w") else { return }
      fputs("5", file)
      fclose(file)
    }

    /// A line of `/proc/self/status`, which are in KiB.
    private static func status(_ key: String) -> Int {
      guard let file = fopen("/proc/self/status", "r") else { return 0 }
      defer { fclose(file) }
      var buffer = [CChar](repeating: 0, count: 256)
      while fgets(&buffer, Int32(buffer.count), file) != nil {
        let line = buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        guard line.hasPrefix(key) else { continue }
        return Int(line.split { !$0.isNumber }.first ?? "0").map { $0 * 1024 } ?? 0
      }
      return 0
    }
  #else
    /// The resident memory in bytes.
    static var residentBytes: Int { Int(memory.phys_footprint) }

    /// The most resident memory there was since the start, in bytes: there is no way to reset it, so growth computed
    /// from it is an upper bound.
    static var peakBytes: Int { Int(memory.ledger_phys_footprint_peak) }

    /// Gives memory that was freed back to the system, so that it does not hide growth.
    static func settle() {
      malloc_zone_pressure_relief(nil, 0)
    }

    private static var memory: task_vm_info_data_t {
      var info = task_vm_info_data_t()
      var count = mach_msg_type_number_t(MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<natural_t>.size)
      _ = withUnsafeMutablePointer(to: &info) { pointer in
        pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
          task_info(mach_task_self_, task_flavor_t(TASK_VM_INFO), $0, &count)
        }
      }
      return info
    }
  #endif
}
