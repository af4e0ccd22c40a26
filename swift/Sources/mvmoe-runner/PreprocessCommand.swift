import Foundation
import MVMoE
import MVMoEBench

/// Prepares a picture again and again, once for each line of the standard input, and gives the nanoseconds of each.
///
/// A line is the `input` of a manifest, as JSON. The answer is one line of JSON: the time, and the sum of the input's
/// numbers.
struct PreprocessCommand: Command {
  let name = "preprocess"
  let usage = "PICTURE.rgb --width W --height H"

  func run(_ words: [String], started: Int) async throws -> Int32 {
    let given = try Words(words, knows: ["width", "height"])
    guard let width = try given.number("width") else { throw UsageError("no width was given") }
    guard let height = try given.number("height") else { throw UsageError("no height was given") }
    let bytes = Array(try fileContents(URL(fileURLWithPath: try given.path)))
    let picture = PixelBuffer.rgb(bytes, width: width, height: height)
    var known: [String: Prepared] = [:]
    while let line = readLine() {
      let prepared = try known[line] ?? Prepared(line)
      known[line] = prepared
      try StandardOutput.line(prepared.time(picture))
    }
    return ExitCode.done
  }

  /// What makes one input.
  private final class Prepared {
    private let preprocessor: Preprocessor
    private let numbers: Tensor

    init(_ spec: String) throws {
      let input = try Field(value: StrictJSON.parse(Array(spec.utf8)), path: "$").record(readInput)
      preprocessor = Preprocessor(input)
      numbers = Tensor(dtype: .float32, shape: input.shape)
    }

    func time(_ picture: PixelBuffer) throws -> PlainData {
      let start = MonotonicClock.nanoseconds()
      _ = try preprocessor.prepare(picture, into: numbers.floats)
      let end = MonotonicClock.nanoseconds()
      return ["ns": .integer(end - start), "sum": .number(numbers.floats.reduce(0) { $0 + Double($1) })]
    }
  }
}
