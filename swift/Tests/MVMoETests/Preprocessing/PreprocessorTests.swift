import Foundation
import Testing

@testable import MVMoE

/// What the cases of the suite do not ask: buffers as programs hold them, very large images, several threads.
@Suite struct PreprocessorTests {
  private let bytes = PreprocessingSuite.madeBytes(seed: 3, run: 1, length: 3 * 20 * 10)

  @Test("Buffers that nobody chose are read and refused as the page says", arguments: 0..<200)
  func drawn(number: Int) throws {
    var drawn = DrawnPreprocessing(number: number)
    let (buffer, input) = (drawn.buffer(), drawn.input())
    let code = PixelPageReader().refusal(buffer)
    #expect(try OwnReader().refusal(buffer) == code)
    guard code == nil else { return }
    let (found, expected) = (try OwnReader().levels(buffer, input), try PixelPageReader().levels(buffer, input))
    #expect(found.transform == expected.transform)
    #expect(found.levels == expected.levels)
  }

  @Test("A buffer is read where it lies, at any address")
  func places() throws {
    let expected = try levels(.rgb(bytes, width: 20, height: 10))
    for before in 0..<5 {
      let owner = Memory([UInt8](repeating: 7, count: before) + bytes)
      let part = UnsafeRawBufferPointer(rebasing: owner.bytes[before...])
      let plane = Plane(PixelBytes(part, owner: owner), rowStride: 60, pixelStride: 3)
      #expect(try levels(PixelBuffer(format: .rgb, width: 20, height: 10, planes: [plane])) == expected)
    }
  }

  @Test("A buffer keeps its owner until it is answered")
  func owner() throws {
    weak var owner: Memory?
    do {
      let buffer = {
        let memory = Memory(bytes)
        owner = memory
        let plane = Plane(PixelBytes(memory.bytes, owner: memory), rowStride: 60, pixelStride: 3)
        return PixelBuffer(format: .rgb, width: 20, height: 10, planes: [plane])
      }()
      #expect(owner != nil)
      #expect(try levels(buffer) == levels(.rgb(bytes, width: 20, height: 10)))
    }
    #expect(owner == nil)
  }

  @Test("Bytes beyond the end are not read")
  func tooShort() {
    let plane = Plane(PixelBytes(Array(bytes.dropLast())), rowStride: 60, pixelStride: 3)
    let error = refusal {
      try levels(PixelBuffer(format: .rgb, width: 20, height: 10, planes: [plane]))
    }
    #expect(error?.code == .imageBufferTooShort)
    #expect(error?.fields == ["plane": "pixel", "expected": 600, "found": 599])
    #expect(
      error?.message
        == "the pixel plane has 599 bytes; 20 x 10 pixels with its strides (60, 3) need 600: give all of the "
        + "plane, and its own strides")
  }

  @Test(
    "A size that its bytes do not have is refused, not an overflow",
    arguments: [
      (Int.max, 2), (2, Int.max), (Int.max, Int.max), (40_000, 60_000), (Int(Int32.max), 2), (Int.max / 2, 4),
    ])
  func sizes(width: Int, height: Int) {
    let buffers = [
      PixelBuffer.rgb(bytes, width: width, height: height),
      PixelBuffer(
        format: .rgb, width: width, height: height,
        planes: [Plane(PixelBytes(bytes), rowStride: Int.max, pixelStride: Int.max)]),
    ]
    for buffer in buffers {
      let error = refusal { try levels(buffer) }
      #expect([.imageBufferTooShort, .imageBufferStride].contains(error?.code))
    }
  }

  @Test("Sides and strides below zero are refused, whatever they are", arguments: [-1, Int.min])
  func negative(number: Int) {
    let codes = [
      PixelBuffer.rgb(bytes, width: number, height: 1), PixelBuffer.grey(bytes, width: 1, height: number),
      buffer(rowStride: number, pixelStride: 3), buffer(rowStride: 60, pixelStride: number),
    ].map { buffer in refusal { try levels(buffer) }?.code }
    #expect(codes == [.imageBufferSize, .imageBufferSize, .imageBufferStride, .imageBufferStride])
  }

  @Test("Orientations that are none are refused", arguments: [Int.min, -1, 0, 9, Int.max])
  func orientations(number: Int) {
    let error = refusal {
      try levels(.rgb(bytes, width: 20, height: 10, orientation: number))
    }
    #expect(error?.code == .imageBufferFormat)
    #expect(error?.message == "a buffer of format RGB has the orientation \(number); expected 1 to 8")
  }

  @Test("Planes of chroma may share bytes")
  func sharedChroma() throws {
    let luma = Plane(PixelBytes(Array(bytes[..<200])), rowStride: 20, pixelStride: 1)
    let owner = Memory(Array(bytes[200..<300]))
    let pairs = Plane(PixelBytes(owner.bytes, owner: owner), rowStride: 20, pixelStride: 2)
    let shifted = UnsafeRawBufferPointer(rebasing: owner.bytes[1...])
    let shared = Plane(PixelBytes(shifted, owner: owner), rowStride: 20, pixelStride: 2)
    #expect(try levels(camera(.nv12, [luma, pairs])) == levels(camera(.yuv420, [luma, pairs, shared])))
  }

  @Test("A picture of 100 megapixels takes a few rows of memory", arguments: [(1, 1), (6, 0.5)])
  func largest(orientation: Int, crop: Double) throws {
    // Pages that nobody has written take no memory.
    let memory = try #require(MappedZeros(count: 100_000_000))
    let plane = Plane(PixelBytes(memory.bytes, owner: memory), rowStride: 10_000, pixelStride: 1)
    let picture = PixelBuffer(format: .grey, width: 10_000, height: 10_000, planes: [plane], orientation: orientation)
    let before = mostResidentBytes()
    let levels = try Preprocessor(input(224, 224, crop: crop)).levels(picture).levels
    // All of its levels would take 400 MB; tables, results and the rows that one sample reads take less than 20, and other
    // tests run meanwhile.
    #expect(mostResidentBytes() - before < 200_000_000)
    #expect(levels.allSatisfy { $0 == 0 })
  }

  @Test("Images that are too long and narrow are refused")
  func tooLong() {
    let line = PixelBuffer.grey([UInt8](repeating: 0, count: 600_000), width: 1, height: 600_000)
    let error = refusal { try Preprocessor(input(224, 224)).levels(line) }
    #expect(error?.code == .imageTooLarge)
    #expect(
      error?.message
        == "an image of 1 x 600000 pixels is too long and narrow to be resized: at most 100000000 pixels are "
        + "made on the way, of sides of at most 1000000; crop it first")
    for rule in ["timm", "squash", "border"] {
      for (width, height) in [(224, 224), (224, 100)] {
        let input = input(width, height, crop: 1e-300, resize: rule)
        let error = refusal {
          try Preprocessor(input).levels(.rgb(bytes, width: 20, height: 10))
        }
        #expect(error?.code == .imageTooLarge)
      }
    }
  }

  @Test("Several tasks get what one does")
  func tasks() async throws {
    let sizes = Array(8...24)
    let alone = try sizes.map { try levels(square($0), Preprocessor(input(31, 17))) }
    let shared = Preprocessor(input(31, 17))
    let found = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
      for _ in 0..<4 {
        for (place, size) in sizes.enumerated() {
          group.addTask { (place, try levels(square(size), shared)) }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(found.count == 4 * sizes.count)
    for (place, levels) in found { #expect(levels == alone[place]) }
  }

  private func square(_ size: Int) -> PixelBuffer {
    .rgb(PreprocessingSuite.madeBytes(seed: size, run: 1, length: 3 * size * size), width: size, height: size)
  }

  private func camera(_ format: PixelFormat, _ planes: [Plane]) -> PixelBuffer {
    PixelBuffer(
      format: format, width: 20, height: 10, planes: planes, orientation: 6, matrix: .bt709, valueRange: .video)
  }

  private func buffer(rowStride: Int, pixelStride: Int) -> PixelBuffer {
    let plane = Plane(PixelBytes(bytes), rowStride: rowStride, pixelStride: pixelStride)
    return PixelBuffer(format: .rgb, width: 20, height: 10, planes: [plane])
  }

  private func levels(_ buffer: PixelBuffer, _ preprocessor: Preprocessor? = nil) throws -> [UInt8] {
    try (preprocessor ?? Preprocessor(input(9, 7))).levels(buffer).levels
  }

  private func input(_ width: Int, _ height: Int, crop: Double = 1, resize: String = "timm") -> InputSpec {
    InputSpec(
      height: height, width: width, channelOrder: .rgb, resize: resize, cropFraction: crop, resizeSize: nil,
      padLevel: nil, padPlace: nil, padRounding: nil, interpolation: "bilinear", mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225])
  }
}

/// A copy of an array, at one address.
private final class Memory {
  let bytes: UnsafeRawBufferPointer

  init(_ array: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: array.count, alignment: 16)
    copy.copyBytes(from: array)
    bytes = UnsafeRawBufferPointer(copy)
  }

  deinit { bytes.deallocate() }
}

/// Zeros that take memory where they are written alone.
private final class MappedZeros {
  let bytes: UnsafeRawBufferPointer

  init?(count: Int) {
    let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { return nil }
    bytes = UnsafeRawBufferPointer(start: memory, count: count)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}

/// The most memory that this process has had.
private func mostResidentBytes() -> Int {
  var usage = rusage()
  #if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  #endif
}
