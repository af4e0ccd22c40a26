import Foundation
import MVMoEBench
import Testing

@testable import DemoLogic

/// One after the other: each makes its phone's folder the working directory of this process, and leaves it before it is
/// removed, since Foundation traps in a directory that is gone.
@Suite(.serialized) @MainActor struct OrderServiceTests {
  private let phone: TemporaryFolder
  private let surroundings = FakeSurroundings()

  init() throws { phone = try TemporaryFolder() }

  private func follow(_ words: String...) async throws -> OrderService {
    guard case .order(let request) = LaunchArguments(["MVMoEDemo"] + words) else {
      throw CocoaError(.coderInvalidValue)
    }
    let service = OrderService(
      request, home: phone.url, engines: .onnxAndWrong, surroundings: surroundings,
      machine: FakeMachine(status: .light), stays: .seconds(600))
    #expect(service.state == nil)
    await follow(service)
    return service
  }

  private func follow(_ service: OrderService) async {
    await service.follow()
    #expect(FileManager.default.changeCurrentDirectoryPath("/"))
  }

  private func answer(_ name: String, _ file: String) throws -> [String: Any] {
    let data = try Data(contentsOf: phone.file("Documents/bench/\(name)/\(file)"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func lines(_ name: String) throws -> [[String: Any]] {
    let text = try String(contentsOf: phone.file("Documents/bench/\(name)/lines.jsonl"), encoding: .utf8)
    return try text.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func anOrderIsFollowedWithLinesAndAState() async throws {
    let order = try Order(phone).write()
    let service = try await follow("--bench", "job-1", "--order", order)
    #expect(service.progress == .done)
    #expect(service.state == "Done. The computer fetches the results.")
    #expect(try answer("job-1", "state.json")["state"] as? String == "done")
    let lines = try lines("job-1")
    #expect(lines.filter { $0["kind"] as? String == "answer" }.count == 2)
    #expect(Set(lines.compactMap { $0["subject"] as? String }) == ["dispatcher onnx"])
    let described = try answer("job-1", "describe.json")
    let engines = try #require(described["engines"] as? [String: [String: Any]])
    #expect(engines["onnx"]?["provider"] as? String == "CPU")
  }

  @Test func aStartKnowsHowLongItsProcessHasBeenThere() async throws {
    let order = try Order(phone).write(kind: "start")
    _ = try await follow("--bench", "job-2", "--order", order)
    let start = try #require(try lines("job-2").first { $0["kind"] as? String == "start" })
    #expect((start["process_ns"] as? Int ?? 0) > 0 && (start["code_import_ns"] as? Int ?? 0) > 0, "\(start)")
  }

  @Test func aPathThatCannotBeReadIsInTheState() async throws {
    let service = try await follow("--bench", "job-3", "--order", "Documents/bench-files/nothing.json")
    #expect(service.progress == .failed)
    #expect(service.state == "Failed. The computer says why.")
    let state = try answer("job-3", "state.json")
    #expect([state["state"], state["code"]].map { $0 as? String } == ["failed", "bench.unreadable"])
    #expect((state["message"] as? String)?.contains("nothing.json cannot be read") == true)
  }

  @Test func imagesThatCannotBeReadAreInTheStateToo() async throws {
    let order = try Order(phone).write()
    try FileManager.default.removeItem(at: phone.file("Documents/bench-files/1-images.npy"))
    _ = try await follow("--bench", "job-4", "--order", order)
    #expect(try answer("job-4", "state.json")["code"] as? String == "bench.unreadable")
  }

  @Test func anOrderThatIsNoneIsRefused() async throws {
    _ = try Order(phone).write()
    try Data("[]".utf8).write(to: phone.file("Documents/bench-files/3-order.json"))
    _ = try await follow("--bench", "job-5", "--order", "Documents/bench-files/3-order.json")
    #expect(try answer("job-5", "state.json")["state"] as? String == "failed")
  }

  @Test func anEngineThatTheAppLacksIsItsSubjectsFailure() async throws {
    let order = try Order(phone).write(options: #"{"compute_units": "all"}"#)
    let service = try await follow("--bench", "job-6", "--order", order)
    #expect(service.progress == .done)
    let failure = try #require(try lines("job-6").first)
    #expect(failure["code"] as? String == "engine.option")
  }

  @Test func aPhoneDescribesItselfWithoutAnOrder() async throws {
    surroundings.change { $0 = Conditions(isLowPowerMode: true, heat: .serious, battery: 12) }
    let service = try await follow("--bench", "describe-1", "--describe")
    #expect(service.progress == .done)
    let identity = try #require(try answer("describe-1", "describe.json")["identity"] as? [String: Any])
    #expect(identity["thermal_status"] as? String == "severe")
    #expect(identity["battery"] as? Int == 12)
    #expect(identity["low_power"] as? Bool == true)
    #expect(!FileManager.default.fileExists(atPath: phone.file("Documents/bench/describe-1/state.json").path))
  }

  @Test func theScreenStaysOnUntilSomeTimeAfterTheOrder() async throws {
    let told = ToldScreen()
    let service = OrderService(
      OrderRequest(name: "describe-2", order: nil), home: phone.url, engines: .onnxAndWrong,
      surroundings: surroundings, machine: FakeMachine(), keepScreenOn: { told.states.append($0) },
      stays: .milliseconds(300))
    await follow(service)
    #expect(told.states == [true])
    try await until("the screen may go dark") { told.states == [true, false] }
  }

  @Test func anAppsFolderThatIsNotThereIsAFailure() async throws {
    let service = OrderService(
      OrderRequest(name: "describe-3", order: nil), home: phone.file("gone"), engines: .onnxAndWrong,
      surroundings: surroundings, machine: FakeMachine(), stays: .seconds(1))
    await follow(service)
    #expect(service.progress == .failed)
  }

  @MainActor
  private final class ToldScreen {
    var states: [Bool] = []
  }
}

/// What a computer brings: a bundle, images and an order for them.
private struct Order {
  let phone: TemporaryFolder

  init(_ phone: TemporaryFolder) { self.phone = phone }

  /// Writes all of it; the path of the order.
  func write(kind: String = "answers", options: String = "{}") throws -> String {
    let files = phone.file("Documents/bench-files")
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      at: RepositoryFiles.bundle("dispatch"), to: files.appendingPathComponent("2-bundle"))
    try images(2).write(to: files.appendingPathComponent("1-images.npy"))
    let order = """
      {"job": "\(kind)", "kind": "\(kind)", "repeat": 0, "names": ["a", "b"], "labels": ["0", "1"],
       "images": "Documents/bench-files/1-images.npy",
       "preset": {"name": "quick", "repeats": 1, "queries": 2, "seconds": 0.0, "most_seconds": 1.0, "warmup": 0,
                  "starts": 0, "stream": 0, "cooldown": 0.0},
       "subjects": [{"key": "dispatcher onnx", "kind": "dispatcher", "root": "Documents/bench-files/2-bundle",
                     "target": "onnx", "output_kinds": {"answer": "logits"}, "class_output": "answer",
                     "engine_options": \(options), "requested": {"engine": "ONNX Runtime", "provider": "CPU"},
                     "threads": 1, "queries": [{"image": 0}, {"image": 1}]}]}
      """
    try Data(order.utf8).write(to: files.appendingPathComponent("3-order.json"))
    return "Documents/bench-files/3-order.json"
  }

  /// Images `[count, 3, 8, 8]`, as NumPy saves them.
  private func images(_ count: Int) -> Data {
    let said = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(count), 3, 8, 8), }"
    let header = said.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
    var bytes = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.utf8.count), 0]) + Data(header.utf8)
    for number in 0..<(count * 3 * 64) {
      withUnsafeBytes(of: (Float(number % 17) / 16).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }
}
