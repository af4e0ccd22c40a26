import Foundation
import MVMoE
import MVMoEBench

/// Answers preprocessed images with a bundle, one line of JSON for each.
///
/// A file has any number of images `[C, H, W]`, one after the other, as little-endian fp32 without a header.
struct AnswersCommand: Command {
  let name = "answers"
  let usage = "BUNDLE INPUT.f32 ... [--target NAME] [--threads N] [--max-experts N]"

  func run(_ words: [String], started: Int) async throws -> Int32 {
    let given = try Words(words, knows: ["target", "threads", "max-experts"])
    guard given.plain.count >= 2 else { throw UsageError("\(given.plain.count) paths were given") }
    let dispatcher = try await Dispatcher.open(
      URL(fileURLWithPath: given.plain[0]), engine: RunnerEngines.usual(threads: given.number("threads")),
      residency: Residency(maxExperts: given.number("max-experts")), options: OpenOptions(target: given.text("target")))
    try StandardOutput.line(["engine": .text(dispatcher.engineName), "target": .text(dispatcher.target.name)])
    for path in given.plain.dropFirst() {
      for image in try images(path, shape: dispatcher.bundle.manifest.input.shape) {
        for answer in try await dispatcher.run(image) { try StandardOutput.line(line(answer)) }
      }
    }
    await dispatcher.close()
    return ExitCode.done
  }

  /// The images of a file, one by one.
  private func images(_ path: String, shape: [Int]) throws -> [Tensor] {
    let content = try fileContents(URL(fileURLWithPath: path))
    let numbers = content.withUnsafeBytes { bytes in
      (0..<(bytes.count / 4)).map { place in
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)))
      }
    }
    let size = shape.reduce(1, *)
    guard !numbers.isEmpty, numbers.count.isMultiple(of: size) else {
      throw UsageError("\(path) has \(numbers.count) numbers, and an image has \(size)")
    }
    return stride(from: 0, to: numbers.count, by: size).map {
      Tensor(Array(numbers[$0..<($0 + size)]), shape: [1] + shape)
    }
  }

  private func line(_ answer: Answer) -> PlainData {
    [
      "routes": .list(answer.routes.map { .list($0.map(PlainData.integer)) }),
      "gates": .list(answer.gates.map(floats)),
      "router_logits": .list(answer.routerLogits.map(floats)),
      "last_stage": .text(answer.lastStage),
      "outputs": .object(answer.outputs.map { ($0.name, floats($0.values)) }),
    ]
  }

  private func floats(_ numbers: [Float]) -> PlainData { .list(numbers.map(PlainData.float)) }
}
