/// How the program ends.
enum ExitCode {
  static let done: Int32 = 0

  /// Something was found, or failed, that was looked for.
  static let failed: Int32 = 1

  /// Words, a bundle or an engine cannot be used.
  static let usage: Int32 = 2

  /// Ctrl-C, or the end of whoever started the program.
  static let interrupted: Int32 = 130
}
