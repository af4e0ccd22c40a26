import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif
#if os(iOS)
  import os
#endif

/// What the system says of the phone.
struct PhoneFacts: Sendable, Hashable {
  /// Which phone it is: `iPhone17,3`.
  var hardware = PhoneFacts.hardwareName

  /// The system with its version: `iOS 18.5`.
  var system = PhoneFacts.systemName

  /// `22F76`; nil where the system does not say.
  var build = PhoneFacts.build(in: ProcessInfo.processInfo.operatingSystemVersionString)

  var memoryBytes = Int(clamping: ProcessInfo.processInfo.physicalMemory)
  var cores = ProcessInfo.processInfo.activeProcessorCount

  /// What the app may still take before the system ends it; nil where the system does not say.
  var availableBytes = PhoneFacts.availableMemory

  /// The release of iOS: 18.
  static var release: Int { ProcessInfo.processInfo.operatingSystemVersion.majorVersion }

  static var systemName: String {
    let version = ProcessInfo.processInfo.operatingSystemVersion
    let patch = version.patchVersion > 0 ? ".\(version.patchVersion)" : ""
    return "\(platform) \(version.majorVersion).\(version.minorVersion)\(patch)"
  }

  static func build(in version: String) -> String? {
    version.firstMatch(of: #/\(Build (\w+)\)/#).map { String($0.1) }
  }

  private static var platform: String {
    #if os(iOS)
      "iOS"
    #elseif os(macOS)
      "macOS"
    #else
      "Linux"
    #endif
  }

  private static var hardwareName: String {
    var names = utsname()
    guard uname(&names) == 0 else { return "unknown" }
    return withUnsafeBytes(of: names.machine) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
  }

  private static var availableMemory: Int? {
    #if os(iOS)
      let bytes = os_proc_available_memory()
      return bytes > 0 ? Int(clamping: bytes) : nil
    #else
      return nil
    #endif
  }
}
