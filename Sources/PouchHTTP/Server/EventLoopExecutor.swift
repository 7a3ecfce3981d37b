import NIOCore

/// Runs tasks on an event loop: what a connection's task does there costs no change of threads.
final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let unowned = UnownedJob(job)
    eventLoop.execute { unowned.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
