import Foundation

/// The results files of this app's own runs.
struct ResultsFolder {
  private static let suffix = ".jsonl"

  let folder: URL

  /// All of them, the newest first.
  var files: [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(Self.suffix) && !$0.hasPrefix(".") }.sorted(by: >)
      .map { folder.appendingPathComponent($0) }.filter { Storage.size(of: $0) != nil }
  }

  /// A file that is not there yet, named after the time: `mvmoe-20261127-174501.jsonl`.
  func newFile(_ now: Date = Date()) throws -> URL {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let time = Self.written(now)
    var number = 0
    while true {
      let file = folder.appendingPathComponent("mvmoe-\(time)\(number == 0 ? "" : "-\(number)")\(Self.suffix)")
      if !FileManager.default.fileExists(atPath: file.path) { return file }
      number += 1
    }
  }

  private static func written(_ date: Date) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 0)
    format.dateFormat = "yyyyMMdd-HHmmss"
    return format.string(from: date)
  }
}
