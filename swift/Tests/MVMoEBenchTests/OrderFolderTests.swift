#if canImport(MVMoEONNX)
  import Foundation
  import MVMoE
  import Testing

  @testable import MVMoEBench

  @Suite(.timeLimit(.minutes(2))) struct OrderFolderTests {
    private let directory: TestFolder
    private let orders: OrderFolder
    private let runs = Guarded(0)

    init() throws {
      directory = try TestFolder()
      let engines = TestEngines { [runs] in runs.withLock { $0 += 1 } }
      orders = OrderFolder(directory["bench"], machine: TestMachine(), engines: engines)
    }

    private func order(_ text: String) throws -> URL { try directory.write("order.json", Data(text.utf8)) }

    private func followed(
      _ kind: String = "latency", keys: [String] = ["dispatcher onnx"], sustained: Double = 0, paced: String = ""
    ) throws -> URL {
      try order(orderText(images: writeImages(directory), kind: kind, keys: keys, sustained: sustained, paced: paced))
    }

    private func file(_ name: String) -> URL { directory["bench/\(name)"] }

    private func written() throws -> [[String: String?]] { try lines(Data(contentsOf: file("lines.jsonl"))) }

    private func state() throws -> [String: String?] {
      try plain(String(decoding: Data(contentsOf: file("state.json")), as: UTF8.self))
    }

    @Test func anOrderLeavesItsLinesAndSaysThatItIsDone() async throws {
      #expect(try await orders.follow(followed()))
      #expect(try written().map { $0.text("kind") } == ["opened", "sample", "sample", "sample", "sample", "timed"])
      let timed = try #require(try written().last)
      #expect(["of", "warmup", "thermal", "headroom"].map { timed.text($0) } == ["sample", "2", "light", "0.5"])
      let answers = try written().compactMap { $0.text("kind") == "sample" ? $0.int("ns") : nil }
      #expect(try #require(timed.int("wall_ns")) > answers.reduce(0, +))
      let state = try state()
      #expect(state.text("state") == "done")
      #expect(["subject", "message", "code"].allSatisfy { state[$0] == .some(nil) })
      let names = try FileManager.default.contentsOfDirectory(atPath: directory["bench"].path)
      #expect(names.sorted() == ["lines.jsonl", "state.json", "status"])
    }

    @Test func whileItIsAtWorkItSaysAtWhomAndGoesOnToSayThatItIsAlive() async throws {
      let given = try followed("sustained", keys: ["one"], sustained: 3.5)
      let work = Task { [orders] in try await orders.follow(given) }
      var beats: Set<Int> = []
      var subjects: Set<String?> = []
      while true {
        try await Task.sleep(for: .milliseconds(50))
        guard let state = try? state(), let name = state.text("state") else { continue }
        if name != "running" { break }
        beats.insert(state.int("beat") ?? -1)
        subjects.insert(state.text("subject"))
      }
      #expect(try await work.value)
      #expect(beats.count >= 3)
      #expect(subjects.contains("one"))
      #expect(try Array(Data(contentsOf: file("status"))) == [1])
    }

    @Test func theJobSustainedTellsOfItsSecondsHowManyAnswersTheyHadAndHowHotTheDeviceWas() async throws {
      #expect(try await orders.follow(followed("sustained", sustained: 0.3)))
      let found = try written()
      #expect(found.map { $0.text("kind") } == ["sustained", "timed"])
      #expect(["of", "warmup", "thermal"].map { found[1].text($0) } == ["sustained", "1", "light"])
      let line = found[0]
      #expect(line.text("thermal") == "light")
      #expect(line.text("headroom") == "0.5")
      #expect(line.text("pss") == "1500")
      let at = try #require(line.int("at_ns"))
      let (median, slowest) = (try #require(line.int("median_ns")), try #require(line.int("slowest_ns")))
      #expect(at >= 300_000_000)
      #expect((1...slowest).contains(median))
      #expect(slowest <= at)
      let answers = try #require(line.int("answers"))
      #expect(answers * median <= 2 * at)
    }

    @Test func theJobPacedAnswersThisRepeatsFramesAfterAWarmUp() async throws {
      #expect(try await orders.follow(followed("paced", paced: #", "paced": 0.2, "rate": 50.0"#)))
      let frames = try written().filter { $0.text("kind") == "paced" }
      // A machine that is busy may be late for some of the ten.
      let numbers = frames.compactMap { $0.int("frame") }
      #expect(!numbers.isEmpty)
      #expect(numbers == Set(numbers).sorted())
      #expect(numbers.allSatisfy { $0 < 10 })
      #expect(frames.allSatisfy { ($0.int("late_ns") ?? -1) >= 0 && ($0.int("ns") ?? 0) > 0 })
      let timed = try #require(try written().last)
      #expect(["kind", "of", "warmup", "thermal"].map { timed.text($0) } == ["timed", "paced", "2", "light"])
      #expect(try #require(timed.int("wall_ns")) >= 200_000_000)
    }

    @Test(arguments: [true, false])
    func aCancelledWaitForAFrameEndsAndIsNoRunThatCameToItsEnd(byItsTask: Bool) async throws {
      let given = try followed("paced", paced: #", "paced": 600.0, "rate": 0.1"#)
      let work = Task { [orders] in try await orders.follow(given) }
      while runs.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(20)) }
      if byItsTask { work.cancel() } else { orders.cancel() }
      #expect(try await work.value)
      #expect(try state().text("state") == "done")
      #expect(try written().allSatisfy { $0.text("kind") != "timed" })
    }

    @Test(arguments: [true, false])
    func aCancelledOrderKeepsWhatItHasMeasured(byItsTask: Bool) async throws {
      let given = try followed("sustained", sustained: 600)
      let work = Task { [orders] in try await orders.follow(given) }
      while runs.withLock({ $0 }) < 100 { try await Task.sleep(for: .milliseconds(20)) }
      if byItsTask { work.cancel() } else { orders.cancel() }
      #expect(try await work.value)
      #expect(try state().text("state") == "done")
      #expect(try written().map { $0.text("kind") } == ["sustained"])
    }

    @Test func whatASubjectAnswersIsComparedWithTheReference() async throws {
      let golden = try ModelBundle.open(smallBundle).manifest.golden
      // Its outputs stand there under other names.
      let reference = smallBundle.appendingPathComponent(golden.file.path).path
      let text = orderText(
        images: try writeImages(directory), kind: "answers", reference: #"{"dispatcher onnx": "\#(reference)"}"#
      ).replacingOccurrences(of: #"{"answer": "logits"}"#, with: #"{"outputs.answer": "logits"}"#)
      #expect(try await orders.follow(order(text)))
      let failure = try #require(try written().first)
      #expect(failure.text("kind") == "failure")
      #expect(try #require(failure.text("message")).contains("outputs.answer of image 0 is not that of the reference"))
    }

    @Test func aFileThatItCannotReadHasACodeOfItsOwn() async throws {
      #expect(try await !orders.follow(order(orderText(images: "/nowhere/images.npy"))))
      #expect(try state().text("code") == "bench.unreadable")
      #expect(try #require(try state().text("message")).contains("/nowhere/images.npy cannot be read"))
      #expect(try Data(contentsOf: file("lines.jsonl")).isEmpty)
    }

    @Test func anotherOrderThanThatOfMvmoeBenchFailsInASentence() async throws {
      #expect(try await !orders.follow(order("{}")))
      #expect(try state().text("state") == "failed")
      #expect(try state().text("code") == "input.invalid")
      #expect(try #require(try state().text("message")).contains("$ lacks the field job"))
    }

    @Test func aSubjectThatFailsIsALineAndTheOthersGoOn() async throws {
      var text = orderText(images: try writeImages(directory), keys: ["one", "two"])
      let first = try #require(text.range(of: #""target": "onnx""#))
      text.replaceSubrange(first, with: #""target": "other""#)
      #expect(try await orders.follow(order(text)))
      let failures = try written().filter { $0.text("kind") == "failure" }
      #expect(failures.map { $0.text("subject") } == ["one"])
      #expect(failures.map { $0.text("code") } == ["bundle.no-target"])
      let samples = try written().filter { $0.text("kind") == "sample" }
      #expect(Set(samples.map { $0.text("subject") }) == ["two"])
    }

    @Test func aStateThatHasNoRoomBesideTheOneBeforeIsWrittenOverIt() async throws {
      try FileManager.default.createDirectory(at: file("state.json.part"), withIntermediateDirectories: true)
      #expect(try await !orders.follow(order("{}")))
      #expect(try state().text("state") == "failed")
    }

    @Test func itDescribesTheDeviceByFormatAndVariant() throws {
      let usual = EngineVariant(format: "onnx", engine: "Engine 1", provider: "CPU")
      let other = EngineVariant(
        format: "onnx", engine: "Engine 1", provider: "NPU", options: ["units": "npu"], label: "NPU")
      try orders.describe(
        DeviceDescription(
          device: "ios", abi: "arm64", variants: [usual, other], packages: ["engine": "1"], identity: ["os": "iOS 18.1"]
        ))
      let text = try String(decoding: Data(contentsOf: file("describe.json")), as: UTF8.self)
      #expect(text.contains(#""engines":{"onnx":{"engine":"Engine 1","provider":"CPU"}}"#))
      #expect(
        text.contains(
          #"{"requested":{"engine":"Engine 1","provider":"NPU"},"engine_options":{"units":"npu"},"label":"NPU"}"#))
      #expect(text.contains(#""identity":{"os":"iOS 18.1"}"#))
      #expect(try plain(text).text("abi") == "arm64")
      #expect(!FileManager.default.fileExists(atPath: file("describe.json.part").path))
    }
  }
#endif
