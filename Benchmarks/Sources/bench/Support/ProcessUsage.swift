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

    /// The resident memory of another process in bytes.
    static func residentBytes(of process: pid_t) -> Int { status("VmRSS:", of: String(process)) }

    /// The most resident memory that another process had since ``forgetPeak(of:)``, in bytes; 0 when it has ended.
    static func peakBytes(of process: pid_t) -> Int { status("VmHWM:", of: String(process)) }

    /// Forgets the peak of another process of the same user.
    static func forgetPeak(of process: pid_t) {
      guard let file = fopen("/proc/\(process)/clear_refs", "w") else { return }
      fputs("5", file)
      fclose(file)
    }

    /// A line of a process's `status`, which are in KiB.
    private static func status(_ key: String, of process: String = "self") -> Int {
      guard let file = fopen("/proc/\(process)/status", "r") else { return 0 }
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

    /// The resident memory of another process in bytes.
    static func residentBytes(of process: pid_t) -> Int { Int(usage(of: process).ri_phys_footprint) }

    /// The most resident memory that another process ever had, in bytes; 0 when it has ended.
    static func peakBytes(of process: pid_t) -> Int { Int(usage(of: process).ri_lifetime_max_phys_footprint) }

    /// There is no way to forget it here: growth computed from the peak is an upper bound.
    static func forgetPeak(of process: pid_t) {}

    private static func usage(of process: pid_t) -> rusage_info_v4 {
      var info = rusage_info_v4()
      _ = withUnsafeMutablePointer(to: &info) { pointer in
        pointer.withMemoryRebound(to: rusage_info_t?.self, capacity: 1) {
          proc_pid_rusage(process, RUSAGE_INFO_V4, $0)
        }
      }
      return info
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
