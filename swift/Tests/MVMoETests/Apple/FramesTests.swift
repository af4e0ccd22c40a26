#if canImport(CoreVideo) && canImport(ImageIO)
  import CoreVideo
  import Foundation
  import ImageIO
  import Testing

  @testable import MVMoE

  /// Frames of Core Video, which only Apple's systems have.
  @Suite struct FramesTests {
    @Test(arguments: [
      (kCVPixelFormatType_420YpCbCr8BiPlanarFullRange, PixelFormat.nv12, ValueRange.full),
      (kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange, .nv12, .video),
      (kCVPixelFormatType_420YpCbCr8PlanarFullRange, .yuv420, .full),
      (kCVPixelFormatType_420YpCbCr8Planar, .yuv420, .video),
    ])
    func framesOfLumaAndChromaAreReadWhereTheyLie(type: OSType, format: PixelFormat, range: ValueRange) throws {
      let frame = try frame(type)
      let found = try PixelBuffer(pixelBuffer: frame, orientation: .right)
      #expect((found.format, found.matrix, found.valueRange) == (format, .bt601, range))
      #expect((found.width, found.height, found.orientation) == (16, 8, 6))
      for (number, plane) in found.planes.enumerated() {
        let address = CVPixelBufferGetBaseAddressOfPlane(frame, number)
        #expect(plane.bytes.bytes.baseAddress == address.map { UnsafeRawPointer($0) })
        #expect(plane.rowStride == CVPixelBufferGetBytesPerRowOfPlane(frame, number))
      }
      try BufferCheck.require(found)
    }

    @Test(arguments: [
      (kCVPixelFormatType_32BGRA, PixelFormat.bgra), (kCVPixelFormatType_OneComponent8, .grey),
    ])
    func framesOfColourAndGreyAreReadWhereTheyLie(type: OSType, format: PixelFormat) throws {
      let found = try PixelBuffer(pixelBuffer: frame(type))
      #expect((found.format, found.matrix, found.valueRange) == (format, nil, nil))
      try BufferCheck.require(found)
    }

    @Test func theMatrixIsTheOneThatAFrameStates() throws {
      let frame = try frame(kCVPixelFormatType_420YpCbCr8BiPlanarFullRange)
      state(kCVImageBufferYCbCrMatrix_ITU_R_709_2, frame)
      #expect(try PixelBuffer(pixelBuffer: frame).matrix == .bt709)
      #expect(try PixelBuffer(pixelBuffer: frame, matrix: .bt601).matrix == .bt601)
      state(NSString("ITU_R_2020") as CFString, frame)
      #expect(refusal { try PixelBuffer(pixelBuffer: frame) }?.code == .imageBufferFormat)
      #expect(try PixelBuffer(pixelBuffer: frame, matrix: .bt709).matrix == .bt709)
    }

    @Test func aFrameInAnotherFormatIsRefusedByItsName() throws {
      let frame = try frame(kCVPixelFormatType_24RGB)
      let error = refusal { try PixelBuffer(pixelBuffer: frame) }
      #expect(error?.code == .imageBufferFormat)
    }

    private func state(_ matrix: CFString, _ frame: CVPixelBuffer) {
      CVBufferSetAttachment(frame, kCVImageBufferYCbCrMatrixKey, matrix, .shouldPropagate)
    }

    private func frame(_ type: OSType) throws -> CVPixelBuffer {
      var frame: CVPixelBuffer?
      try #require(CVPixelBufferCreate(nil, 16, 8, type, nil, &frame) == kCVReturnSuccess)
      return try #require(frame)
    }
  }
#endif
