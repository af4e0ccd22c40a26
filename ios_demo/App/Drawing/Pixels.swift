import CoreGraphics
import DemoLogic
import Foundation

/// Pixels as the system draws them.
enum Pixels {
  static func image(_ picture: Picture) -> CGImage? {
    image(
      picture.rgba, picture.width, picture.height, bytesPerPixel: 4, CGColorSpace(name: CGColorSpace.sRGB),
      CGBitmapInfo(rawValue: CGImageAlphaInfo.noneSkipLast.rawValue))
  }

  static func image(_ grey: GreyImage) -> CGImage? {
    image(
      grey.levels, grey.width, grey.height, bytesPerPixel: 1, CGColorSpace(name: CGColorSpace.genericGrayGamma2_2),
      CGBitmapInfo(rawValue: CGImageAlphaInfo.none.rawValue))
  }

  private static func image(
    _ bytes: [UInt8], _ width: Int, _ height: Int, bytesPerPixel: Int, _ space: CGColorSpace?, _ info: CGBitmapInfo
  ) -> CGImage? {
    guard let space, let data = CGDataProvider(data: NSData(data: Data(bytes)) as CFData) else { return nil }
    return CGImage(
      width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 8 * bytesPerPixel,
      bytesPerRow: width * bytesPerPixel, space: space, bitmapInfo: info, provider: data, decode: nil,
      shouldInterpolate: false, intent: .defaultIntent)
  }
}
