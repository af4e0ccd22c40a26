import Foundation
import MVMoE
import MVMoEONNX

/// Opens a bundle, lets the engine answer its golden images, and one image of zeros.
@main
struct Consumer {
  static func main() async throws {
    guard CommandLine.arguments.count == 2 else { fatalError("usage: Consumer BUNDLE") }
    let bundle = URL(filePath: CommandLine.arguments[1])
    let dispatcher = try await Dispatcher.open(
      bundle, engine: .onnx(threads: 1), residency: Residency(maxExperts: 1))
    try await dispatcher.check().requireOk()
    let zeros = [Float](repeating: 0, count: dispatcher.bundle.manifest.input.shape.reduce(1, *))
    for answer in try await dispatcher.run(zeros) {
      let names = answer.outputs.map(\.name)
      print("\(dispatcher.engineName): \(names), routes \(answer.routes), resident \(await dispatcher.resident)")
    }
    await dispatcher.close()
  }
}
