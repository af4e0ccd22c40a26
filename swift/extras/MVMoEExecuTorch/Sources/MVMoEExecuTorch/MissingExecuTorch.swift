import Foundation
import MVMoE

/// In place of ExecuTorch in builds that have none.
struct MissingExecuTorch: ExecuTorchPrograms {
  func load(_ file: URL, method: String) throws -> any ExecuTorchMethod { throw Self.error }

  static var error: MVMoEError {
    MVMoEError(
      .engineUnsupportedPlatform,
      "ExecuTorch is no part of this build, for \(ProcessInfo.processInfo.operatingSystemVersionString); "
        + "build for one of Apple's systems with the package MVMoEExecuTorch, or use another target")
  }
}
