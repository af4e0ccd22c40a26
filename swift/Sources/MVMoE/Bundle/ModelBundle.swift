import Foundation

/// A bundle (`docs/bundle.md`): a directory with a model as graphs, whose manifest was checked in every respect.
///
/// Its other files are checked by ``verify(targets:)``, and by what opens them. Nothing stays open.
public final class ModelBundle: Sendable {
  /// The directory.
  public let root: URL

  /// What is in the bundle and how it is used.
  public let manifest: Manifest

  /// The SHA-256 of `manifest.json`, which has those of all other files: 64 hexadecimal digits.
  public let manifestSHA256: String

  private init(root: URL, manifest: Manifest, manifestSHA256: String) {
    self.root = root
    self.manifest = manifest
    self.manifestSHA256 = manifestSHA256
  }

  /// Reads and checks the manifest of the bundle at `root`.
  ///
  /// - Parameters:
  ///   - root: the bundle's directory.
  ///   - manifestSHA256: 64 hexadecimal digits, as `mvmoe inspect` prints them: a manifest of any other content is refused
  ///     unread.
  /// - Throws: ``MVMoEError`` where there is no bundle, its manifest is wrong, or `manifestSHA256` is no SHA-256
  ///   (`input.invalid`).
  public static func open(_ root: URL, manifestSHA256: String? = nil) throws -> ModelBundle {
    let wanted = try manifestSHA256.map(requireSHA256)
    let bytes = try readManifest(root)
    let found = try readingFile(root, manifestFile) { try SHA256Digest.hexadecimalDigits(of: bytes) }
    if let wanted, wanted != found { throw wrongManifest(root, wanted, found) }
    return ModelBundle(root: root, manifest: try parse(bytes, root), manifestSHA256: found)
  }

  /// The target of a name.
  ///
  /// - Throws: ``MVMoEError`` where the bundle was exported without it (`bundle.no-target`).
  public func target(_ name: String) throws -> Target {
    guard let target = manifest.target(named: name) else { throw noTarget(name) }
    return target
  }

  /// Targets whose files somebody has removed from the bundle, each with a clause that says so.
  ///
  /// None of such a target's own files is there; those that other targets have too may be. A target of which only some are
  /// missing is damaged, and so is a bundle of which no target is left: ``verify(targets:)`` refuses them.
  public func removedTargets() -> [String: String] {
    let removed = RemovedTargets(root, manifest).find()
    return removed.count < manifest.targets.count ? removed : [:]
  }

  /// Checks the files of some targets (of all if none is named) against their hashes, and the golden vectors.
  ///
  /// It reads all of these files, and returns when they are read: call it from a task that nothing waits for.
  ///
  /// - Throws: ``MVMoEError`` that names the first file that is missing, cut off or altered, or the first golden vector that
  ///   is not what the manifest makes it.
  public func verify(targets: [String] = []) throws {
    let chosen = try targets.isEmpty ? manifest.targets : targets.map(target)
    for target in chosen { _ = try CheckedFiles.verify(root: root, files: target.files) }
    _ = try golden()
  }

  /// The golden vectors, checked.
  package func golden() throws -> GoldenVectors { try GoldenVectors.open(root, manifest) }

  private func noTarget(_ name: String) -> MVMoEError {
    let available = manifest.targets.map(\.name).sorted()
    let sentence = "bundle \(root.path) has no target \(quoted(name)); it has \(available.joined(separator: ", "))"
    return MVMoEError(
      .bundleNoTarget, "\(sentence): export it with --target",
      fields: ["target": .text(name), "available": .list(available.map(ErrorValue.text))])
  }
}

extension ModelBundle {
  private static let manifestFile = "manifest.json"

  /// Errors whose sentence says what to do already.
  private static let advised: Set<ErrorCode> = [
    .bundleUnsupportedVersion, .bundleUnknownRule, .bundleUnknownStrategy, .bundleUnknownKind,
  ]

  private static func requireSHA256(_ given: String) throws -> String {
    let isDigits = given.utf8.count == 64 && given.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit)
    if isDigits { return given.lowercased() }
    let sentence = "the SHA-256 of a manifest was given as \(quoted(given)); expected 64 hexadecimal digits"
    throw MVMoEError(.inputInvalid, "\(sentence), as mvmoe inspect prints them")
  }

  private static func readManifest(_ root: URL) throws -> [UInt8] {
    guard isFolder(root) else {
      throw MVMoEError(
        .bundleMissing, "bundle \(root.path) is not a directory; give one that mvmoe export has written",
        fields: ["bundle": .text(root.path)])
    }
    let file = try PlainFiles(root).open(manifestFile)
    // One byte more than is read, so that a longer file is seen to be one.
    return try readingFile(root, manifestFile) { try file.beginning(atMost: StrictJSON.mostBytes + 1) }
  }

  private static func isFolder(_ root: URL) -> Bool {
    var isFolder: ObjCBool = false
    // The system would read a path up to its first zero only.
    guard root.isFileURL, !root.path.utf8.contains(0) else { return false }
    return FileManager.default.fileExists(atPath: root.path, isDirectory: &isFolder) && isFolder.boolValue
  }

  private static func parse(_ bytes: [UInt8], _ root: URL) throws -> Manifest {
    do {
      let manifest = try ManifestReader.read(StrictJSON.parse(bytes))
      try Consistency.check(manifest)
      return manifest
    } catch let error as MVMoEError {
      let advice = advised.contains(error.code) ? "" : "; fetch the bundle again or export it again"
      throw MVMoEError(
        error.code, "the manifest of bundle \(root.path) is wrong: \(error.message)\(advice)", fields: error.fields,
        cause: error)
    }
  }

  private static func wrongManifest(_ root: URL, _ wanted: String, _ found: String) -> MVMoEError {
    let what = "its manifest has the SHA-256 \(found), and \(wanted) was given"
    return MVMoEError(
      .bundleWrongManifest,
      "bundle \(root.path) is not the one that was asked for: \(what); take the bundle from where that was published",
      fields: ["expected": .text(wanted), "found": .text(found)])
  }
}
