import Foundation
import MVMoE

/// What the engine asks of Core ML: all that it decides lies above this, and runs where there is no Core ML.
///
/// Every method may be called from several tasks at once, and any of them may never return.
protocol CoreMLSystem: Sendable {
  /// The version of the system, of which Core ML is a part.
  var version: SystemVersion { get }

  /// Whether it is a simulator, which has no Neural Engine and computes on the Mac.
  var isSimulator: Bool { get }

  /// Whether there is a Neural Engine that an app can use.
  var hasNeuralEngine: Bool { get }

  /// Compiles a package, into a folder that the caller owns.
  func compile(_ package: URL) async throws -> URL

  /// The functions of a compiled package, none where it does not name any; asked where the system has functions alone.
  func functionNames(of compiled: URL) async throws -> [String]

  /// Loads one function of a compiled package.
  func load(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> any CoreMLModel

  /// What Core ML would run where, function by function; nil where this system has no plans.
  func plan(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> [String: [PlannedOperation]]?
}

/// How a model is loaded.
struct ModelConfiguration: Sendable, Equatable {
  /// The function; nil for the package's default.
  let function: String?

  let units: ComputeUnits

  let prefersFastPrediction: Bool

  /// What analysis tools show.
  let displayName: String
}

/// One loaded function.
protocol CoreMLModel: AnyObject, Sendable {
  var inputs: [ModelFeature] { get }

  var outputs: [ModelFeature] { get }

  /// A call that reads these inputs and proposes the memory of `outputs` for what it gives, each time that it is run.
  func call(inputs: [String: ModelInput], outputs: [String: Tensor]) throws -> any CoreMLCall
}

/// An input that a call reads.
enum ModelInput: Sendable {
  /// Numbers where they are.
  case array(Tensor)

  /// An image, whose pixels are made of numbers each time.
  case picture(Picture)
}

/// A prediction that is made many times, never twice at a time.
protocol CoreMLCall: AnyObject, Sendable {
  /// What the model gives, by the names of the outputs.
  ///
  /// With `intoMemory` the caller's memory is proposed to Core ML, which may write into it or not.
  func predict(intoMemory: Bool) async throws -> [String: PredictedOutput]
}

/// How a call gave one of its outputs.
enum PredictedOutput {
  /// It lies in the caller's memory already.
  case inPlace

  /// It lies elsewhere.
  case array(any GivenArray)
}

/// Numbers that Core ML has given, wherever they lie.
protocol GivenArray {
  /// Their type by its name in manifests, `float64`, or any other text.
  var type: String { get }

  var shape: [Int] { get }

  /// Reads the numbers; strides are in numbers and may leave gaps.
  func read(_ body: (UnsafeRawBufferPointer, _ strides: [Int]) throws -> Void) throws
}
