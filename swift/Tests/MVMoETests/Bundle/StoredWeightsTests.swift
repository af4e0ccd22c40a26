import Foundation
import Testing

@testable import MVMoE

@Suite struct StoredWeightsTests {
  private let folder = TemporaryFolder()
  private let root: URL
  private let manifest: Manifest
  private let target: Target

  /// The conformance suite's bundle whose weights are the place of their tensor in the file, one more, and so on.
  init() throws {
    let bundle = try BundlesSuite.bundle("bound")
    let text = String(decoding: bundle.manifest, as: UTF8.self)
    let old = try #require(bundle.files["onnx/weights.bin"])
    let before = try checkedManifest(bundle.manifest)
    let new = Self.numbers(try #require(before.target(named: "onnx")), old)
    root = try bundle.write(to: "bundle", of: folder)
    try folder.write("bundle/onnx/weights.bin", new)
    let digests = try [old, new].map(SHA256Digest.hexadecimalDigits)
    manifest = try checkedManifest(Array(text.replacingOccurrences(of: digests[0], with: digests[1]).utf8))
    target = try #require(manifest.target(named: "onnx"))
  }

  @Test func eachGraphIsGivenTheWeightsOfTheExpertsOnItsRoute() throws {
    let weights = try opened()
    #expect(weights.isMapped)
    for graph in target.graphs where graph.stage == 1 {
      for route in manifest.rules[0].routes() where route.count == graph.route?.count {
        let inputs = try weights.inputs(of: graph, route: route)
        #expect(Set(inputs.keys) == Set(graph.bound.keys))
        for (name, bound) in graph.bound {
          let stored = try #require(target.experts[0][route[bound.place]].tensors[bound.tensor])
          #expect(inputs[name]?.numbers[0] == Float(stored.offset))
          #expect(inputs[name]?.shape == stored.shape)
        }
      }
    }
  }

  @Test func tensorsAreWholeInTheMachinesOrderAndMadeOnce() throws {
    let weights = try opened()
    let up = try up(weights, 1)
    #expect(up.bytes.count == 20 * 4)
    let first = Float(try stored(1).offset)
    #expect(up.numbers == (0..<20).map { first + Float($0) })
    #expect(try self.up(weights, 1) === up)
  }

  @Test func whatWasCheckedIsMappedWhateverLiesAtItsPathByNow() throws {
    let files = try CheckedFiles.verify(root: root, files: target.files, keep: target.weights)
    try FileManager.default.removeItem(at: root.appendingPathComponent("onnx/weights.bin"))
    let weights = try StoredWeights(root: root, target: target, files: files)
    #expect(try up(weights, 2).numbers[0] == Float(stored(2).offset))
    #expect(files.takeKept() == nil)
  }

  @Test func withoutAFileThatWasKeptItIsCheckedAnew() throws {
    let files = try CheckedFiles.verify(root: root, files: target.files)
    let weights = try StoredWeights(root: root, target: target, files: files)
    #expect(try up(weights, 0).numbers[0] == Float(stored(0).offset))
    try folder.write("bundle/onnx/weights.bin", "another".utf8)
    #expect(refusal { try StoredWeights(root: root, target: target, files: files) }?.code == .bundleSizeMismatch)
  }

  @Test func aFileThatWasCutOffIsRefusedBeforeItIsMapped() throws {
    let files = try CheckedFiles.verify(root: root, files: target.files, keep: target.weights)
    #expect(truncate(root.appendingPathComponent("onnx/weights.bin").path, 100) == 0)
    let error = refusal { try StoredWeights(root: root, target: target, files: files) }
    #expect(error?.code == .bundleFileUnreadable)
    #expect(error?.fields == ["file": "onnx/weights.bin"])
  }

  @Test func tensorsKeepTheirMemoryWhenNothingElseDoes() throws {
    var weights: StoredWeights? = try opened()
    let tensor = try up(#require(weights), 2)
    weights = nil
    #expect(try tensor.numbers[19] == Float(stored(2).offset + 19))
  }

  @Test func onAFileSystemThatCannotMapWeightsAreRead() throws {
    let read = try opened { _, _ in throw FileError(number: ENODEV) }
    let mapped = try opened()
    #expect(!read.isMapped)
    for expert in 0..<3 { #expect(try up(read, expert).numbers == up(mapped, expert).numbers) }
    read.advise(stage: 1, route: [0])
    let tensor = try up(read, 1)
    #expect(try up(read, 1) === tensor, "it is read once")
  }

  @Test func whereThereIsNoRoomToMapThatIsSaid() {
    let error = refusal { try opened { _, _ in throw FileError(number: ENOMEM) } }
    #expect(error?.code == .limitMemory)
    #expect(error?.message.hasPrefix("onnx/weights.bin of bundle \(root.path) cannot be read: memory ran out") == true)
  }

  @Test func aFileThatWasCutOffCannotBeRead() throws {
    let weights = try opened { _, _ in throw FileError(number: ENODEV) }
    #expect(truncate(root.appendingPathComponent("onnx/weights.bin").path, 100) == 0)
    #expect(refusal { try up(weights, 2) }?.code == .bundleFileUnreadable)
  }

  @Test func piecesAreTheFilesBytesReadOrMapped() throws {
    let whole = try [UInt8](Data(contentsOf: root.appendingPathComponent("onnx/weights.bin")))
    let file = try PlainFiles(root).open("onnx/weights.bin")
    let places = target.experts[0].flatMap(\.tensors.values)
    let (read, mapped) = (ReadBytes(file), try MappedBytes(file, tensors: places))
    for place in places {
      let wanted = whole[place.offset...].prefix(byteCount(of: place.shape, place.dtype))
      for stored in [read, mapped] as [any StoredBytes] {
        #expect(try bytes(of: stored.tensor(at: place)) == Array(wanted))
      }
    }
    let beyond = StoredTensor(offset: whole.count - 4, shape: [2], dtype: .float32)
    #expect(throws: FileError.self) { try read.tensor(at: beyond) }
    let astronomical = StoredTensor(offset: 64, shape: [1 << 30, 1 << 30, 16], dtype: .float32)
    #expect(throws: FileError.self) { try mapped.tensor(at: astronomical) }
    #expect(throws: FileError.self) { try read.tensor(at: astronomical) }
  }

  @Test func tensorsFarFromEachOtherAreInWindowsOfTheirOwn() throws {
    let gib = 1 << 30
    let offsets = [0, 64, gib - 64, gib, 5 * gib, 5 * gib + 128]
    let places = offsets.map { StoredTensor(offset: $0, shape: [4], dtype: .float32) }
    let path = try folder.write("bundle/sparse", []).path
    let descriptor = open(path, O_WRONLY)
    #expect(ftruncate(descriptor, off_t(6 * gib)) == 0)
    for offset in offsets {
      var byte = UInt8(offset / 64 % 127)
      #expect(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
    }
    close(descriptor)
    let mapped = try MappedBytes(PlainFiles(root).open("sparse"), tensors: places.shuffled())
    for place in places { #expect(try firstByte(mapped.tensor(at: place)) == UInt8(place.offset / 64 % 127)) }
    mapped.willNeed(0..<(6 * gib))
    mapped.willNeed(2 * gib..<3 * gib)
    mapped.willNeed(5 * gib + 100..<5 * gib + 100)
  }

  @Test func aTensorLargerThanAWindowHasOneOfItsOwn() throws {
    let large = 1 << 29
    let path = try folder.write("bundle/sparse", []).path
    #expect(truncate(path, off_t(3 * large)) == 0)
    let places = [
      StoredTensor(offset: 64, shape: [large], dtype: .float32), StoredTensor(offset: 128, shape: [4], dtype: .float32),
      StoredTensor(offset: large + 192, shape: [large / 4], dtype: .float32),
      StoredTensor(offset: 2 * large - 64, shape: [16], dtype: .float32),
      StoredTensor(offset: 2 * large + 64, shape: [16], dtype: .float32),
    ]
    let mapped = try MappedBytes(PlainFiles(root).open("sparse"), tensors: Array(places.dropFirst()))
    for place in places.dropFirst() { #expect(try firstByte(mapped.tensor(at: place)) == 0) }
    #expect(throws: FileError.self) { try mapped.tensor(at: places[0]) }
  }

  @Test func manyTasksAreGivenTheSameTensors() async throws {
    let weights = try opened()
    let graph = try #require(target.graphs.first { $0.stage == 1 && $0.route == [0] })
    let found = try await withThrowingTaskGroup(of: ObjectIdentifier?.self) { group in
      for _ in 0..<64 {
        group.addTask { try weights.inputs(of: graph, route: [2])["up_0"].map(ObjectIdentifier.init) }
      }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(found.count == 1)
    #expect(!found.contains(nil))
  }

  @Test func adviceChangesNothingThatIsGiven() throws {
    let weights = try opened()
    for number in 0..<100 { weights.advise(stage: 1, route: [number % 3]) }
    #expect(try up(weights, 1).numbers[0] == Float(stored(1).offset))
  }

  @Test func aTargetOfAnotherStrategyHasNoneAndOpensNothing() throws {
    let plain = try #require(manifest.target(named: "plain"))
    let files = try CheckedFiles.verify(root: root, files: target.files, keep: target.weights)
    let weights = try StoredWeights(root: root, target: plain, files: files)
    weights.advise(stage: 1, route: [0])
    #expect(try weights.inputs(of: #require(plain.graphs.last), route: [0]).isEmpty)
    #expect(files.takeKept() == nil, "the file that was kept is closed")
  }

  private func opened(map: StoredWeights.Mapper = MappedBytes.init) throws -> StoredWeights {
    let files = try CheckedFiles.verify(root: root, files: target.files, keep: target.weights)
    return try StoredWeights(root: root, target: target, files: files, map: map)
  }

  private func up(_ weights: StoredWeights, _ expert: Int) throws -> Tensor {
    let graph = try #require(target.graphs.first { $0.stage == 1 && $0.route == [0] })
    return try #require(weights.inputs(of: graph, route: [expert])["up_0"])
  }

  // A tensor is kept until what is read of it was read.
  private func bytes(of tensor: Tensor) -> [UInt8] { withExtendedLifetime(tensor) { Array(tensor.bytes) } }

  private func firstByte(_ tensor: Tensor) -> UInt8 { withExtendedLifetime(tensor) { tensor.bytes[0] } }

  private func stored(_ expert: Int) throws -> StoredTensor { try #require(target.experts[0][expert].tensors["up"]) }

  private static func numbers(_ target: Target, _ file: [UInt8]) -> [UInt8] {
    var file = file
    for tensor in target.experts.joined().flatMap(\.tensors.values) {
      for index in 0..<elementCount(of: tensor.shape) {
        let bits = Float(tensor.offset + index).bitPattern.littleEndian
        let place = tensor.offset + 4 * index
        withUnsafeBytes(of: bits) { file.replaceSubrange(place..<(place + 4), with: $0) }
      }
    }
    return file
  }
}
