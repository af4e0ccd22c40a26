/// A file of the bundle.
public struct FileRecord: Sendable {
  /// Relative to the bundle, with `/` between its parts.
  public let path: String

  /// Its size.
  public let bytes: Int

  /// Of its content: 64 hexadecimal digits in lower case.
  public let sha256: String
}
