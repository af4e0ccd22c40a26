import MVMoEBench

/// What is known of one subject at a moment.
public struct SubjectSnapshot: Sendable, Hashable, Identifiable {
  /// Its name in the results file.
  public let key: String

  /// How it answers the golden images, with the figures; nil before it has.
  public let check: String?

  /// Why it is not measured any further; nil where it is.
  public let failure: String?

  /// How many answers were timed.
  public let answers: Int

  /// Nanoseconds of an answer so far; nil before the first.
  public let median: Int?

  /// The answers by their number, in milliseconds.
  public let latency: [CurvePoint]

  /// What opening it and answering has added to the process, in bytes; nil where it was not looked.
  public let addedBytes: Int?

  /// The most that the process held (`phys_footprint`), in bytes; nil where the system does not say.
  public let peakBytes: Int?

  /// What it did without a pause; nil where it did not.
  public let sustained: SustainedSnapshot?

  public var id: String { key }
}

/// Answers without a pause.
public struct SustainedSnapshot: Sendable, Hashable {
  /// The median of some seconds by the minute at which they ended, in milliseconds; the highest is the slowest answer.
  public let curve: [CurvePoint]

  /// The end of the last of these seconds, in nanoseconds.
  public let last: Int

  /// Nanoseconds of an answer in the first of these seconds.
  public let firstMedian: Int

  /// And in the last ones.
  public let lastMedian: Int

  /// How hot the phone was when.
  public let heat: [HeatStretch]
}

/// Puts together what a run says of one subject.
struct SubjectFigures {
  static let nanosecondsInMillisecond = 1e6
  static let nanosecondsInMinute = 60e9

  private let key: String
  private var times: [Int] = []
  private var latency = Curve()
  private var check: String?
  private var failure: String?
  private var addedBytes: Int?
  private var peakBytes: Int?
  private var sustained: SustainedFigures?

  init(_ key: String) { self.key = key }

  mutating func checked(_ sentence: String) { check = sentence }

  mutating func failed(_ sentence: String) { failure = sentence }

  mutating func answered(_ nanoseconds: Int) {
    latency.add(Double(times.count), Double(nanoseconds) / Self.nanosecondsInMillisecond)
    times.append(nanoseconds)
  }

  mutating func held(_ memory: MemoryHeld) { held(added: memory.loaded - memory.base, peak: memory.peak) }

  mutating func held(added: Int, peak: Int?) {
    addedBytes = added
    peaked(peak)
  }

  mutating func sustained(_ seconds: SustainedSeconds) {
    sustained(
      at: seconds.at, median: seconds.median, slowest: seconds.slowest, status: seconds.thermal?.status,
      memory: seconds.memory)
  }

  mutating func sustained(at end: Int, median: Int, slowest: Int, status: Thermal.Status?, memory: Int?) {
    var figures = sustained ?? SustainedFigures(firstMedian: median)
    figures.add(at: end, median: median, slowest: slowest, status: status)
    sustained = figures
    peaked(memory)
  }

  var snapshot: SubjectSnapshot {
    SubjectSnapshot(
      key: key, check: check, failure: failure, answers: times.count, median: median(times), latency: latency.points,
      addedBytes: addedBytes, peakBytes: peakBytes, sustained: sustained?.snapshot)
  }

  private mutating func peaked(_ bytes: Int?) {
    if let bytes { peakBytes = max(bytes, peakBytes ?? 0) }
  }
}

private struct SustainedFigures {
  private let firstMedian: Int
  private var points: [CurvePoint] = []
  private var heat = HeatTimeline()
  private var last = 0
  private var lastMedian: Int

  init(firstMedian: Int) {
    self.firstMedian = firstMedian
    lastMedian = firstMedian
  }

  mutating func add(at end: Int, median: Int, slowest: Int, status: Thermal.Status?) {
    let middle = Double(median) / SubjectFigures.nanosecondsInMillisecond
    points.append(
      CurvePoint(
        x: Double(end) / SubjectFigures.nanosecondsInMinute, low: middle, middle: middle,
        high: Double(slowest) / SubjectFigures.nanosecondsInMillisecond))
    heat.add(end, status)
    last = end
    lastMedian = median
  }

  var snapshot: SustainedSnapshot {
    SustainedSnapshot(
      curve: points, last: last, firstMedian: firstMedian, lastMedian: lastMedian, heat: heat.stretches)
  }
}
