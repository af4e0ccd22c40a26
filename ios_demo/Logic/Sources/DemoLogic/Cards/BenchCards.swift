import MVMoEBench

/// A line with a switch: one target in one engine.
public struct BenchOptionRow: Sendable, Hashable, Identifiable {
  /// The option's.
  public let id: String

  /// What stands above it: the first option of a target has the target's name.
  public let target: String?

  /// What runs it.
  public let name: String

  /// The switch, said.
  public let spoken: String

  /// Whether the switch is on.
  public let isTicked: Bool

  /// Whether it can be turned.
  public let isEnabled: Bool

  /// Why it cannot be measured; nil where it can.
  public let missing: String?

  /// What the switch chooses.
  public let option: BenchOption
}

/// How far a run is, and how hot the phone.
public struct BenchRunCard: Sendable, Hashable {
  /// What it does, or how it ended; nil before the first run.
  public let state: String?

  /// From 0 to 1; nil where nothing goes on, or nobody knows.
  public let progress: Double?

  /// Whether a run goes on.
  public let isRunning: Bool

  /// What went wrong, and what makes times longer than they could be; nil where there is nothing.
  public let warning: String?

  /// How hot the phone is now.
  public let heat: String
}

/// A curve of a chart, and the number of its colour.
public struct BenchSeries: Sendable, Hashable, Identifiable {
  /// The number of its colour.
  public let id: Int

  /// Whose it is.
  public let name: String

  /// In milliseconds.
  public let points: [CurvePoint]
}

/// A stretch of the x axis that is shaded: the stronger, the larger its level.
public struct BenchBand: Sendable, Hashable {
  /// In the units of the x axis.
  public let from: Double

  /// In the units of the x axis.
  public let to: Double

  /// From 0 to 1.
  public let level: Double
}

/// Curves over an axis that begins with 0.
public struct BenchChart: Sendable, Hashable {
  /// Where the x axis ends.
  public let width: Double

  /// What the y axis has to have room for: what is far slower than the rest is cut off.
  public let height: Double

  /// The curves.
  public let series: [BenchSeries]

  /// What is shaded.
  public let bands: [BenchBand]

  /// What is written at the end of the x axis.
  public let end: String

  /// All of it, said.
  public let spoken: String

  init(width: Double, series: [BenchSeries], bands: [BenchBand] = [], end: String, spoken: String) {
    self.width = width
    self.series = series
    self.bands = bands
    self.end = end
    self.spoken = spoken
    height = series.map(\.points.height).max() ?? 0
  }
}

/// What is known of one subject.
public struct BenchFigureRow: Sendable, Hashable, Identifiable {
  /// The number of its colour.
  public let id: Int

  /// Whose it is.
  public let name: String

  /// Median, memory.
  public let figures: String

  /// How it answers the golden images.
  public let check: String?

  /// Why it is not measured.
  public let failure: String?
}

/// How one subject became slower while the phone became hot.
public struct SustainedCard: Sendable, Hashable, Identifiable {
  /// The number of its colour.
  public let id: Int

  /// Whose it is.
  public let title: String

  /// The figures in sentences.
  public let figures: String

  /// The median of each five seconds, over how hot the phone was.
  public let chart: BenchChart
}

extension BenchModel {
  /// What can be ticked: nothing is chosen while a run goes on.
  public var optionRows: [BenchOptionRow] {
    options.enumerated().map { number, option in
      let before = number > 0 ? options[number - 1].subject.target : nil
      let name = BenchPhrase.benchEngine.with(option.name, engine(option))
      return BenchOptionRow(
        id: option.id,
        target: before == option.subject.target
          ? nil : BenchPhrase.benchTarget.with(option.subject.target, option.strategy),
        name: name, spoken: BenchPhrase.benchOptionSpoken.with(option.subject.target, name),
        isTicked: isTicked(option), isEnabled: !snapshot.isRunning && option.missing == nil,
        missing: option.missing.map { why($0, option) }, option: option)
    }
  }

  /// What the chosen length is.
  public var lengthMeans: String { length.means }

  /// Whether the results can be handed out.
  public var canShare: Bool { snapshot.file != nil && !snapshot.isRunning }

  /// How far the run is.
  public var runCard: BenchRunCard {
    let away = snapshot.secondsAway > 0 ? [leftScreen(snapshot.secondsAway)] : []
    let warnings = (snapshot.error.map { [$0] } ?? []) + away + conditions.notices
    return BenchRunCard(
      state: state, progress: progress, isRunning: snapshot.isRunning,
      warning: warnings.isEmpty ? nil : warnings.joined(separator: "\n"),
      heat: BenchPhrase.benchHeat.with(conditions.heat.word))
  }

  /// All subjects' answers; nil before a run.
  public var latency: BenchChart? {
    let subjects = snapshot.subjects
    if subjects.isEmpty { return nil }
    let most = subjects.map(\.answers).max() ?? 0
    let said = subjects.map { "\($0.key): \(median($0))" }.joined(separator: ". ")
    return BenchChart(
      width: Double(max(2, most) - 1), series: subjects.enumerated().map { series($0, $1.key, $1.latency) },
      end: most == 0 ? "" : BenchPhrase.benchLatencyEnd.with(words.count(most)),
      spoken: BenchPhrase.benchLatencySpoken.with(said))
  }

  /// A line for each subject.
  public var figureRows: [BenchFigureRow] {
    snapshot.subjects.enumerated().map { number, subject in
      BenchFigureRow(
        id: number, name: subject.key, figures: figures(subject), check: subject.check.map(capitalized),
        failure: subject.failure.map { BenchPhrase.benchRefused.with($0) })
    }
  }

  /// A card for each subject that answered without a pause.
  public var sustainedCards: [SustainedCard] {
    snapshot.subjects.enumerated().compactMap { number, subject in
      subject.sustained.map { card(number, subject.key, $0) }
    }
  }

  func leftScreen(_ seconds: Int) -> String { BenchPhrase.benchLeftScreen.with(words.count(seconds)) }

  // MARK: What runs a target

  /// `Core ML`; that this is iOS, the user knows.
  private func engine(_ option: BenchOption) -> String {
    option.subject.variant.engine.split(separator: ",").first.map(String.init) ?? option.subject.variant.engine
  }

  private func why(_ missing: Missing, _ option: BenchOption) -> String {
    switch missing {
    case .notBuilt:
      let label = option.subject.variant.label
      return BenchPhrase.benchMissingBuilt.with(label.isEmpty ? engine(option) : label)
    case .notOnDevice(let part): return BenchPhrase.benchMissingDevice.with(part)
    case .systemTooOld(let needed): return BenchPhrase.benchMissingRelease.with(String(needed))
    case .noEngine: return BenchPhrase.benchMissingEngine.with(option.subject.variant.format)
    case .severalImages: return BenchPhrase.benchMissingBatch.text
    }
  }

  // MARK: How far it is

  private var state: String? {
    let file = snapshot.file?.lastPathComponent ?? ""
    switch snapshot.phase {
    case .idle, .failed: return nil
    case .running: return snapshot.step.map(told) ?? BenchPhrase.benchOpening.text
    case .cancelling: return BenchPhrase.benchCancelling.text
    case .done: return BenchPhrase.benchDone.with(file)
    case .cancelled: return BenchPhrase.benchCancelled.with(file)
    }
  }

  private var progress: Double? {
    guard snapshot.isRunning, let step = snapshot.step, step.steps > 0 else { return nil }
    return min(1, Double(step.number - 1) / Double(step.steps))
  }

  private func told(_ step: BenchStep) -> String {
    let job = Self.jobs[step.job]?.text ?? step.job
    let what = step.subject.map { BenchPhrase.benchStepOf.with(job, $0) } ?? job
    return BenchPhrase.benchStep.with(words.count(step.number), words.count(step.steps), what)
  }

  private static let jobs: [String: BenchPhrase] = [
    "answers": .benchJobAnswers, "placement": .benchJobPlacement, "memory": .benchJobMemory,
    "latency": .benchJobLatency, "sustained": .benchJobSustained,
  ]

  // MARK: Figures

  private func series(_ number: Int, _ name: String, _ points: [CurvePoint]) -> BenchSeries {
    BenchSeries(id: number, name: name, points: points)
  }

  private func figures(_ subject: SubjectSnapshot) -> String {
    let added = subject.addedBytes.flatMap { $0 > 0 ? BenchPhrase.benchAdds.with(words.size($0)) : nil }
    let peak = subject.peakBytes.map { BenchPhrase.benchPeakFootprint.with(words.size($0)) }
    return [median(subject), added, peak].compactMap(\.self).joined(separator: ", ")
  }

  private func median(_ subject: SubjectSnapshot) -> String {
    guard let median = subject.median else { return BenchPhrase.benchNoAnswers.text }
    return BenchPhrase.benchMedian.with(words.duration(.nanoseconds(median)), words.count(subject.answers))
  }

  private func capitalized(_ sentence: String) -> String { sentence.prefix(1).uppercased() + sentence.dropFirst() }

  private func card(_ number: Int, _ key: String, _ found: SustainedSnapshot) -> SustainedCard {
    let minutes = self.minutes(found.last)
    let told = self.told(found)
    let bands = found.heat.map { BenchBand(from: self.minutes($0.from), to: self.minutes($0.to), level: $0.level) }
    return SustainedCard(
      id: number, title: BenchPhrase.benchSustainedOf.with(key), figures: told,
      chart: BenchChart(
        width: minutes, series: [series(number, key, found.curve)], bands: bands,
        end: BenchPhrase.benchSustainedEnd.with(words.minutes(minutes)), spoken: told))
  }

  private func told(_ found: SustainedSnapshot) -> String {
    let times = found.firstMedian > 0 ? Double(found.lastMedian) / Double(found.firstMedian) : 1
    let change = BenchPhrase.benchSustainedChange.with(
      words.duration(.nanoseconds(found.firstMedian)), words.duration(.nanoseconds(found.lastMedian)),
      words.figure(times))
    let shade = found.heat.contains { $0.level > 0 } ? BenchPhrase.benchSustainedShade.text : nil
    return [change, heat(found.heat), shade].compactMap(\.self).joined(separator: " ")
  }

  private func heat(_ heat: [HeatStretch]) -> String {
    if heat.isEmpty { return BenchPhrase.benchHeatUnsaid.text }
    let stretches = heat.enumerated().map { number, stretch in
      let word = Heat(stretch.status)?.word ?? stretch.status.rawValue
      return number == 0 ? word : BenchPhrase.benchHeatFrom.with(word, words.minutes(minutes(stretch.from)))
    }
    return BenchPhrase.benchHeatOf.with(stretches.joined(separator: ", "))
  }

  private func minutes(_ nanoseconds: Int) -> Double { Double(nanoseconds) / SubjectFigures.nanosecondsInMinute }
}

extension Heat {
  /// In iOS's words.
  var word: String {
    switch self {
    case .nominal: BenchPhrase.heatNominal.text
    case .fair: BenchPhrase.heatFair.text
    case .serious: BenchPhrase.heatSerious.text
    case .critical: BenchPhrase.heatCritical.text
    }
  }
}

extension BenchLength {
  /// For people.
  public var title: String {
    switch self {
    case .quick: BenchPhrase.benchQuick.text
    case .thorough: BenchPhrase.benchThorough.text
    case .sustained: BenchPhrase.benchSustained.text
    }
  }

  /// What it does.
  var means: String {
    switch self {
    case .quick: BenchPhrase.benchQuickMeans.text
    case .thorough: BenchPhrase.benchThoroughMeans.text
    case .sustained: BenchPhrase.benchSustainedMeans.text
    }
  }
}

extension OrderService {
  /// What is followed.
  public var name: String { request.name }

  /// How far it is; nil before it has begun.
  public var state: String? {
    switch progress {
    case .none: nil
    case .running: BenchPhrase.orderRunning.text
    case .done: BenchPhrase.orderDone.text
    case .failed: BenchPhrase.orderFailed.text
    }
  }
}
