/// A line that somebody who watches is told of; the others are for reports alone.
protocol WatchedLine: Line {
  /// What he is told.
  var event: BenchEvent? { get }
}

extension SampleLine: WatchedLine {
  var event: BenchEvent? { .answered(subject: place.subject, repeat: place.repeat, nanoseconds: wall) }
}

extension MemoryLine: WatchedLine {
  var event: BenchEvent? {
    let held = MemoryHeld(base: base.total, loaded: loaded.total, released: released.total, peak: peak)
    return .memoryHeld(subject: place.subject, memory: held)
  }
}

extension SustainedLine: WatchedLine {
  var event: BenchEvent? { .sustained(subject: place.subject, seconds: seconds) }
}

extension FailureLine: WatchedLine {
  var event: BenchEvent? { subject.map { .failed(subject: $0, message: message) } }
}
