import DemoLogic
import Foundation
import MVMoE
import MVMoEBench
import MVMoEONNX

/// What the app measures, without a screen and over ONNX Runtime.
///
/// With the words that `mvmoe bench --device ios` starts the app with it follows an order; `HOME` is the app's folder. With
/// the folders of a bundle and of results it does what the button *Start* does.
@main
enum DemoBench {
  private static let usage: Int32 = 2

  static func main() async {
    let begun = MonotonicClock.nanoseconds()
    let words = Array(CommandLine.arguments.dropFirst())
    switch LaunchArguments(words) {
    case .order(let request): exit(await follow(request, begun) ? 0 : 1)
    case .demo where words.count == 2:
      exit(await measure(URL(fileURLWithPath: words[0]), URL(fileURLWithPath: words[1])) ? 0 : 1)
    case .demo, .unknownOrder: exit(usage)
    }
  }

  @MainActor
  private static func follow(_ request: OrderRequest, _ begun: Int) async -> Bool {
    let home = ProcessInfo.processInfo.environment["HOME"] ?? FileManager.default.currentDirectoryPath
    let service = OrderService(
      request, home: URL(fileURLWithPath: home), engines: engines, surroundings: QuietSurroundings(),
      keepScreenOn: { _ in })
    await service.follow(begun: begun)
    return service.progress == .done
  }

  @MainActor
  private static func measure(_ bundle: URL, _ folder: URL) async -> Bool {
    let choices = EngineChoices(EngineChoice(id: "onnx", name: "ONNX Runtime") { .onnx() })
    let store = ModelStore(
      engines: choices, own: bundle, directory: folder.appendingPathComponent("bundles"),
      surroundings: QuietSurroundings())
    store.openOwn()
    while store.isOpening { await pause() }
    let bench = BenchModel(store: store, engines: engines, results: folder, keepScreenOn: { _ in })
    bench.start()
    while bench.snapshot.isRunning { await pause() }
    let told = bench.snapshot.error ?? store.error ?? bench.runCard.state ?? "nothing could be measured"
    print(told)
    return bench.snapshot.phase == .done
  }

  private static func pause() async { try? await Task.sleep(for: .milliseconds(20)) }

  private static var engines: BenchEngines {
    let variant = EngineVariant(format: "onnx", engine: "ONNX Runtime \(ONNXEngine.version), demo", provider: "CPU")
    return BenchEngines(
      [EngineWay(variant) { .onnx(threads: $0) }], packages: ["onnxruntime": ONNXEngine.version])
  }
}

/// A phone that is cool and on the screen.
private final class QuietSurroundings: Surroundings {
  let conditions = Conditions(battery: 80)

  func follow(_ follower: @escaping @MainActor (SurroundingsEvent) -> Void) {}
}
