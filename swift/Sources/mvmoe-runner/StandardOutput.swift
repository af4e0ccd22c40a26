import Foundation
import MVMoEBench

/// What the program says.
enum StandardOutput {
  /// A line of JSON.
  static func line(_ value: PlainData) throws { try write(Data((value.json() + "\n").utf8)) }

  /// Bytes as they are; throws where there is no room for them.
  static func write(_ bytes: Data) throws { try FileHandle.standardOutput.write(contentsOf: bytes) }
}
