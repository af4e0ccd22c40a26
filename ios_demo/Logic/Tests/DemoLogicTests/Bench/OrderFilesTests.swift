import Foundation
import Testing

@testable import DemoLogic

@Suite struct OrderFilesTests {
  private let phone: TemporaryFolder
  private let files: OrderFiles
  private let start = Date(timeIntervalSince1970: 1_800_000_000)

  init() throws {
    phone = try TemporaryFolder()
    files = OrderFiles(home: phone.url)
  }

  private func write(_ path: String, _ text: String = "x") throws {
    let file = phone.file("Documents/\(path)")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  /// As `mvmoe bench` brings a file: under a name of its own, and a second one that says which.
  private func bring(_ name: String) throws {
    try write("bench-files/1a-\(name)/content")
    try write("bench-files/\(name).place", "Documents/bench-files/1a-\(name)")
  }

  private func look(_ request: OrderRequest? = nil, hours: Double) {
    files.removeOld(request, now: start + 3600 * hours)
  }

  private var left: [String] {
    ["bench", "bench-files"].flatMap { folder in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: phone.file("Documents/\(folder)").path)) ?? []
      return names.filter { !$0.hasPrefix(".") }.map { "\(folder)/\($0)" }
    }.sorted()
  }

  @Test func whatNobodyHasUsedForADayIsRemovedWithWhatSaysWhereItIs() throws {
    try bring("bundle-ab")
    try write("bench/order-1/lines.jsonl")
    look(hours: 0)
    look(hours: 23)
    #expect(left == ["bench-files/1a-bundle-ab", "bench-files/bundle-ab.place", "bench/order-1"])
    look(hours: 25)
    #expect(left.isEmpty)
  }

  @Test func aBundleThatOrdersUseStays() throws {
    try bring("bundle-ab")
    try bring("bundle-cd")
    look(hours: 0)
    for hours in [20.0, 40, 60] {
      try write("bench-files/2b-order-\(hours).json", #"{"root": "Documents/bench-files/1a-bundle-ab"}"#)
      look(OrderRequest(name: "order", order: "Documents/bench-files/2b-order-\(hours).json"), hours: hours)
    }
    #expect(left.contains("bench-files/1a-bundle-ab") && left.contains("bench-files/bundle-ab.place"))
    #expect(!left.contains("bench-files/1a-bundle-cd") && !left.contains("bench-files/bundle-cd.place"))
  }

  /// A copy may keep the times of the original: a bundle that was exported last year is new here.
  @Test func timesOfFilesDoNotCount() throws {
    try bring("bundle-ab")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 0)],
      ofItemAtPath: phone.file("Documents/bench-files/1a-bundle-ab").path)
    look(hours: 0)
    #expect(left.contains("bench-files/1a-bundle-ab"))
  }

  @Test func whatNamesNothingIsRemovedAtOnce() throws {
    try write("bench-files/bundle-ab.place", "Documents/bench-files/1a-bundle-ab")
    try write("bench-files/empty.place", "")
    look(hours: 0)
    #expect(left.isEmpty)
  }

  @Test func aClockThatIsSetBackRemovesNothing() throws {
    try bring("bundle-ab")
    look(hours: 100)
    look(hours: 0)
    #expect(left.count == 2)
    look(hours: 20)
    #expect(left.count == 2)
    look(hours: 30)
    #expect(left.isEmpty)
  }

  @Test func nothingElseIsTouchedAndAnAppWithoutOrdersGetsNoFolder() throws {
    try write("results/mvmoe-1.jsonl")
    look(hours: 0)
    look(hours: 100)
    #expect(FileManager.default.fileExists(atPath: phone.file("Documents/results/mvmoe-1.jsonl").path))
    #expect(!FileManager.default.fileExists(atPath: phone.file("Documents/bench").path))
  }

  @Test func aMemoryThatCannotBeReadBeginsAnew() throws {
    try bring("bundle-ab")
    try write("bench/.last-used.json", "no JSON")
    look(hours: 0)
    look(hours: 20)
    #expect(left.count == 2)
  }
}
