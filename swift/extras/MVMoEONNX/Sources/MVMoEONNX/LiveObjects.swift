/// How many native objects of one kind there are.
final class LiveCount: Sendable {
  private let number = Guarded(0)

  var value: Int { number.withLock { $0 } }

  func add(_ difference: Int) { number.withLock { $0 += difference } }
}

/// How many native objects an engine has made that are not freed.
struct LiveObjects: Sendable {
  let options = LiveCount()
  let sessions = LiveCount()
  let tensors = LiveCount()
}
