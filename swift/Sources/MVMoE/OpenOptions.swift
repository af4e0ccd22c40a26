/// What can be said when a bundle is opened.
public struct OpenOptions: Sendable {
  /// The target to run, of several that have the engine's format; nil for the one that is called as the format, or else the
  /// first.
  public var target: String?

  /// Pins the bundle: one with any other manifest is refused (`bundle.wrong-manifest`).
  public var manifestSHA256: String?

  /// These options.
  public init(target: String? = nil, manifestSHA256: String? = nil) {
    self.target = target
    self.manifestSHA256 = manifestSHA256
  }
}
