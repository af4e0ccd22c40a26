@testable import MVMoECoreML

/// How the stand-in for Core ML does, or does not do, what it is asked for.
struct FakeBehaviour: Sendable {
  enum Work: Sendable {
    case works
    case takes(Duration)
    case fails(String)
    case hangs
  }

  enum Answer: Sendable, Equatable {
    /// Into the caller's memory, where it is proposed.
    case inPlace

    /// Into memory of its own, whatever is proposed.
    case elsewhere

    /// Its first output into the caller's memory, the others elsewhere.
    case mixed

    /// With gaps between rows, as the Neural Engine does.
    case padded

    /// Rows and columns the other way around in memory.
    case transposed

    /// As another type.
    case of(NumberType)

    /// Without sizes of 1 before the others.
    case flat

    case zeros
    case notFinite
    case fewerNumbers
    case nothing
    case fails(String)

    /// Beyond the memory that it says it has.
    case outOfBounds

    /// It fails if memory is proposed, else it works.
    case refusesMemory
  }

  var compile = Work.works

  /// What a load does, by units and function.
  var load: @Sendable (ComputeUnits, String) -> Work = { _, _ in .works }

  /// What a prediction does, by units and function.
  var answer: @Sendable (ComputeUnits, String) -> Answer = { _, _ in .inPlace }

  /// What a function is called in a package.
  var functionNames: @Sendable ([String]) -> [String] = { $0 }

  /// What a model says of an input or output.
  var describe: @Sendable (ModelFeature) -> ModelFeature = { $0 }

  /// The plan of each function.
  var plan: [String: [PlannedOperation]]? = [:]
}
