import Foundation

/// An operating system with its version.
struct SystemVersion: Sendable, Equatable {
  let name: String

  let major: Int

  let minor: Int

  let patch: Int

  /// `iOS 18.1`.
  var description: String { "\(name) \(major).\(minor)" + (patch == 0 ? "" : ".\(patch)") }

  /// The release of iOS whose Core ML it has: those of a year have the same.
  var release: Int {
    // Until 2025 the numbers of macOS were three behind, and those of visionOS sixteen.
    switch name {
    case "macOS" where major < 26: major + 3
    case "visionOS" where major < 26: major + 16
    default: major
    }
  }
}
