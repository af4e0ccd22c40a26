import COnnxRuntime
import MVMoE

/// The execution providers of a build of ONNX Runtime.
enum Providers {
  private static let suffix = "ExecutionProvider"

  /// Their names without the suffix, but for Azure's, which sends the inputs to a service and is in every build.
  static func available(_ library: OrtLibrary) throws -> [String] {
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    var count: Int32 = 0
    try library.check(library.api.pointee.GetAvailableProviders(&names, &count))
    defer { try? library.check(library.api.pointee.ReleaseAvailableProviders(names, count)) }
    let all = (0..<Int(count)).compactMap { names?[$0] }.map { withoutSuffix(String(cString: $0)) }
    return all.filter { $0 != "Azure" }
  }

  /// - Throws: `MVMoEError` (`engine.option`) for one that the build lacks.
  static func require(_ provider: ExecutionProvider, _ library: OrtLibrary) throws {
    let all = try available(library)
    guard !all.contains(where: { $0.lowercased() == provider.name.lowercased() }) else { return }
    throw MVMoEError(
      .engineOption,
      "the execution provider \(provider) was given, but this build of ONNX Runtime has \(all.joined(separator: ", ")); "
        + "give one of these, or another build",
      fields: ["option": "provider"])
  }

  static func withoutSuffix(_ name: String) -> String {
    name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
  }
}
