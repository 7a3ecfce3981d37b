import CNice

/// Does something on the engine's thread after a while, once or again and again, until it is cancelled or let go of.
@RTCEngine
final class EngineTimer {
  private var source: UnsafeMutablePointer<GSource>?
  private let isRepeating: Bool
  private let action: @RTCEngine () -> Void

  /// - Parameter delay: at a resolution of a millisecond, at least one.
  init(after delay: Duration, isRepeating: Bool = false, _ action: @escaping @RTCEngine () -> Void) {
    self.isRepeating = isRepeating
    self.action = action
    let milliseconds = max(1, min(delay / .milliseconds(1), Double(guint.max)))
    let source = g_timeout_source_new(guint(milliseconds.rounded(.up)))
    self.source = source
    // The source holds no reference to the timer: letting go of the timer ends it.
    g_source_set_callback(
      source,
      { context in
        RTCEngine.assumeIsolated { Unmanaged<EngineTimer>.fromOpaque(context!).takeUnretainedValue().fire() }
      }, Unmanaged.passUnretained(self).toOpaque(), nil)
    g_source_attach(source, RTCEngine.shared.loop.context)
  }

  isolated deinit {
    cancel()
  }

  func cancel() {
    guard let source else { return }
    self.source = nil
    g_source_destroy(source)
    g_source_unref(source)
  }

  private func fire() -> gboolean {
    if !isRepeating { cancel() }
    action()
    return isRepeating ? 1 : 0
  }
}
