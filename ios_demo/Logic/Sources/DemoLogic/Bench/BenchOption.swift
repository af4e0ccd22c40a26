import MVMoE
import MVMoEBench

/// A target of the bundle in one engine: what the user may choose to measure.
public struct BenchOption: Sendable, Hashable, Identifiable {
  /// What is measured.
  public let subject: OwnSubject

  /// How routing became the target's graphs.
  public let strategy: String

  /// What runs it, for people.
  public let name: String

  /// Why it cannot be measured here; nil where it can.
  public let missing: Missing?

  /// Tells it from the others, and in results files.
  public var id: String { subject.key }

  /// Every target whose files are there, in every way in which the app would run it.
  static func all(
    of bundle: ModelBundle, ways: [EngineWay], release: Int = PhoneFacts.release
  ) -> [BenchOption] {
    let removed = bundle.removedTargets()
    return bundle.manifest.targets.filter { removed[$0.name] == nil }.flatMap { all(of: $0, ways, release) }
  }

  private static func all(of target: Target, _ ways: [EngineWay], _ release: Int) -> [BenchOption] {
    let fitting = ways.filter { $0.variant.format == target.format }
    if fitting.isEmpty {
      let unknown = EngineVariant(format: target.format, engine: target.format)
      return [
        BenchOption(
          subject: OwnSubject(target: target.name, variant: unknown), strategy: target.strategy, name: target.format,
          missing: .noEngine)
      ]
    }
    return fitting.map { way in
      BenchOption(
        subject: OwnSubject(target: target.name, variant: way.variant), strategy: target.strategy, name: way.name,
        missing: way.missing(for: target, release: release))
    }
  }
}
