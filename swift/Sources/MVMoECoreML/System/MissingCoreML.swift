import Foundation
import MVMoE

/// In place of Core ML on systems that have none.
struct MissingCoreML: CoreMLSystem {
  let version = SystemVersion(name: "this system", major: 0, minor: 0, patch: 0)

  let isSimulator = false

  let hasNeuralEngine = false

  func compile(_ package: URL) async throws -> URL { throw Self.error }

  func functionNames(of compiled: URL) async throws -> [String] { throw Self.error }

  func load(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> any CoreMLModel { throw Self.error }

  func plan(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> [String: [PlannedOperation]]? {
    throw Self.error
  }

  static var error: MVMoEError {
    MVMoEError(
      .engineUnsupportedPlatform,
      "Core ML runs on Apple's systems only, and this is \(ProcessInfo.processInfo.operatingSystemVersionString); "
        + "use one of those, or another target")
  }
}
