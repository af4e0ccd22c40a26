import Foundation
import Testing

/// One test of this program in a process of its own: ONNX Runtime is one for a process, and reads its environment once.
///
/// The test is one that runs only where ``isChild`` holds, and prints what its parent looks at.
struct ChildProcess {
  private static let variable = "MVMOE_CHILD_PROCESS"

  /// Whether this process was started so.
  static var isChild: Bool { ProcessInfo.processInfo.environment[variable] != nil }

  /// Where the child may write: its home, and what it takes for temporary files.
  let home: URL
  let temporary: URL
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    home = folder.url.appending(path: "home")
    temporary = folder.url.appending(path: "tmp")
    for made in [home, temporary] {
      try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
    }
  }

  /// The lines after a `>` that the test of that name prints; it has to pass.
  func run(_ test: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["--testing-library", "swift-testing", "--filter", test]
    process.environment = ["HOME": home.path, "TMPDIR": temporary.path, "PATH": "/usr/bin:/bin", Self.variable: "1"]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(text)")
    return text.split(separator: "\n").filter { $0.hasPrefix(">") }.map { String($0.dropFirst()) }
  }

  /// What is below a folder, by its path in it.
  static func content(of folder: URL) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path)
  }
}
