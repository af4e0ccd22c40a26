import Foundation
import MVMoEBench

/// Says as one JSON object what this program is, or writes it to the file `describe.json` of a folder, as an app does.
struct DescribeCommand: Command {
  let name = "describe"
  let usage = "[--folder DIR]"

  func run(_ words: [String], started: Int) async throws -> Int32 {
    let given = try Words(words, knows: ["folder"])
    if let word = given.plain.first { throw UsageError("\(word) was given") }
    if let folder = given.text("folder") {
      try orderFolder(folder).describe(describe())
    } else {
      try StandardOutput.write(Data((describe().json() + "\n").utf8))
    }
    return ExitCode.done
  }
}

/// What this program is and can do.
func describe() -> DeviceDescription {
  let process = ProcessInfo.processInfo
  return DeviceDescription(
    device: "swift", variants: RunnerEngines.variants(), packages: RunnerEngines.packages(),
    identity: [
      "cores_logical": .integer(process.activeProcessorCount),
      "memory_bytes": .integer(Int(clamping: process.physicalMemory)),
      "os": .text(process.operatingSystemVersionString),
    ])
}

/// A folder in which this program follows orders.
func orderFolder(_ path: String) -> OrderFolder {
  OrderFolder(URL(fileURLWithPath: path), machine: ThisMachine(), engines: RunnerEngines())
}
