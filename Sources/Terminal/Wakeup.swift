internal import CTerminal
internal import Glibc

/// A doorbell that another thread rings to make `Terminal.events` return.
public final class Wakeup: Sendable {
  let descriptor: Int32

  public init() { descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }

  deinit { close(descriptor) }

  /// Any thread, any number of times; rings that nobody has heard yet are one.
  public func ring() { _ = eventfd_write(descriptor, 1) }

  /// Sleeps until somebody rings or `milliseconds` passed; the ring stays to be heard by `events`.
  public func wait(milliseconds: Int32) {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    poll(&waiting, 1, milliseconds)
  }

  func quiet() {
    var count: eventfd_t = 0
    _ = eventfd_read(descriptor, &count)
  }
}
