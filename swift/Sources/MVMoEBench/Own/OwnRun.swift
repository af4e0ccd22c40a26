import Foundation
import MVMoE

/// A run that a device plans itself, on the golden images of a bundle: it writes a results file that `mvmoe report` reads.
///
/// Each subject answers the golden images first. One that falls short of the golden vectors is refused with its figures, and
/// one that fails is measured no further; the others go on. Then it is looked what each subject holds, if that is asked for;
/// all of them answer side by side in rounds; and at the end each answers without a pause, if that is asked for.
public final class OwnRun: Sendable {
  private let bundle: URL
  private let subjects: [OwnSubject]
  private let device: DeviceDescription
  private let settings: OwnRunSettings
  private let surroundings: Surroundings

  /// A run over the bundle in a directory, whose files are checked.
  ///
  /// - Throws: `MVMoEError` for no subjects, two of one key, or settings out of range (`input.invalid`).
  public init(
    _ bundle: URL, subjects: [OwnSubject], device: DeviceDescription, machine: any Machine, engines: any Engines,
    settings: OwnRunSettings = OwnRunSettings()
  ) throws {
    try settings.require()
    var keys: Set<String> = []
    if let twice = subjects.first(where: { !keys.insert($0.key).inserted }) {
      throw refused("two subjects of the key \(twice.key) were given; give their variants other labels")
    }
    if subjects.isEmpty { throw refused("no subjects were given; give one at least, such as those of OwnSubject.all") }
    self.bundle = bundle
    self.subjects = subjects
    self.device = device
    self.settings = settings
    surroundings = Surroundings(machine: WithoutPeak(machine: machine), engines: engines)
  }

  /// Measures, until everything is done, ``cancel()`` is called, or the task is cancelled. Called once.
  ///
  /// - Parameters:
  ///   - output: Gets the lines about once a second.
  ///   - listener: Is told what goes on.
  /// - Returns: Whether it came to its end.
  /// - Throws: `MVMoEError` for a bundle that is missing or damaged, or lacks a subject's target; what `output`
  ///   throws; `CancellationError` if the task is cancelled while a graph is loaded: what was measured is written.
  public func run(_ output: @escaping LineOutput, listener: @escaping BenchListener = { _ in }) async throws -> Bool {
    let opened = try ModelBundle.open(bundle.resolvingSymlinksInPath())
    try opened.verify(targets: subjects.map(\.target).distinct())
    let inputs = try GoldenInputs(opened)
    let steps = OwnSteps(opened, inputs, subjects, settings, surroundings, output, listener)
    return try await steps.run(
      RunLine(bundle: opened, inputs: inputs, device: device, subjects: subjects, settings: settings))
  }

  /// Ends the run before its next answer; what was measured is kept. Any thread may call it.
  public func cancel() { surroundings.cancel() }
}

/// The peak of a process that measures several subjects belongs to none of them.
private struct WithoutPeak: Machine {
  let machine: any Machine

  var memoryKind: MemoryKind { machine.memoryKind }

  func threadCPU() -> Int? { machine.threadCPU() }

  func held(bundle: URL) -> Held { machine.held(bundle: bundle) }

  func peakResident() -> Int? { nil }

  func memory() -> Int? { machine.memory() }

  func thermal() -> Thermal? { machine.thermal() }

  func conditions() -> DeviceConditions? { machine.conditions() }
}
