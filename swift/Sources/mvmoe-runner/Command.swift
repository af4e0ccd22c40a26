/// What the program does when its first word is the command's name; the other words are the command's.
protocol Command: Sendable {
  var name: String { get }

  /// Its other words, for a message: `BUNDLE --answers N`.
  var usage: String { get }

  /// Does it, and gives the exit code; `started` is when the program began, by the monotonic clock.
  func run(_ words: [String], started: Int) async throws -> Int32
}
