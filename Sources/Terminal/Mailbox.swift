internal import Synchronization

/// Messages from worker threads to the thread of the screen, in the order they were posted.
public final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  public let wakeup: Wakeup

  public init(wakeup: Wakeup) { self.wakeup = wakeup }

  /// Any thread. Rings the doorbell for the first message since the last `drain`.
  public func post(_ message: Message) {
    let wasEmpty = messages.withLock { queue in
      queue.append(message)
      return queue.count == 1
    }
    if wasEmpty { wakeup.ring() }
  }

  /// All that has arrived; the box is empty afterwards.
  public func drain() -> [Message] {
    messages.withLock { queue in
      let all = queue
      queue.removeAll(keepingCapacity: true)
      return all
    }
  }
}
