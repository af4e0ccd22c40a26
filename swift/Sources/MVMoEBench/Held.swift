/// What a process held at one moment, in bytes.
public struct Held: Sendable, Hashable {
  /// All of it: the sum of the parts, where these are told apart.
  public let total: Int

  /// Heap, stacks and written copies of a file's pages; nil where the system does not tell the parts apart.
  public let anonymous: Int?

  /// Pages of the bundle's own files; nil as ``anonymous`` is.
  public let bundleFiles: Int?

  /// What was held.
  public init(total: Int, anonymous: Int? = nil, bundleFiles: Int? = nil) {
    self.total = total
    self.anonymous = anonymous
    self.bundleFiles = bundleFiles
  }

  var plain: PlainData {
    ["total": .integer(total), "anonymous": .optional(anonymous), "bundle_files": .optional(bundleFiles)]
  }
}
