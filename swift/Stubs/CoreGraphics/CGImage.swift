import Foundation

/// https://developer.apple.com/documentation/coregraphics/cgimagealphainfo
public enum CGImageAlphaInfo: UInt32, Sendable {
  case none = 0
  case premultipliedLast = 1
  case premultipliedFirst = 2
  case last = 3
  case first = 4
  case noneSkipLast = 5
  case noneSkipFirst = 6
  case alphaOnly = 7
}

/// https://developer.apple.com/documentation/coregraphics/cgbitmapinfo
public struct CGBitmapInfo: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// https://developer.apple.com/documentation/coregraphics/cgbitmapinfo/alphainfomask
  public static var alphaInfoMask: CGBitmapInfo { CGBitmapInfo(rawValue: 0x1F) }

  /// https://developer.apple.com/documentation/coregraphics/cgbitmapinfo/floatcomponents
  public static var floatComponents: CGBitmapInfo { CGBitmapInfo(rawValue: 1 << 8) }

  /// https://developer.apple.com/documentation/coregraphics/cgbitmapinfo/byteorder32big
  public static var byteOrder32Big: CGBitmapInfo { CGBitmapInfo(rawValue: 4 << 12) }
}

/// https://developer.apple.com/documentation/coregraphics/cgdataprovider
public final class CGDataProvider {
  /// https://developer.apple.com/documentation/coregraphics/cgdataprovider/init(data:)
  public init?(data: CFData) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coregraphics/cgimage
///
/// Not `Sendable` here, whatever a release of Apple's SDK says: code must not rely on it.
public final class CGImage {
  /// https://developer.apple.com/documentation/coregraphics/cgimage/init(width:height:bitspercomponent:bitsperpixel:bytesperrow:space:bitmapinfo:provider:decode:shouldinterpolate:intent:)
  public init?(
    width: Int, height: Int, bitsPerComponent: Int, bitsPerPixel: Int, bytesPerRow: Int, space: CGColorSpace,
    bitmapInfo: CGBitmapInfo, provider: CGDataProvider, decode: UnsafePointer<CGFloat>?, shouldInterpolate: Bool,
    intent: CGColorRenderingIntent
  ) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/init(maskwidth:height:bitspercomponent:bitsperpixel:bytesperrow:provider:decode:shouldinterpolate:)
  public init?(
    maskWidth: Int, height: Int, bitsPerComponent: Int, bitsPerPixel: Int, bytesPerRow: Int,
    provider: CGDataProvider, decode: UnsafePointer<CGFloat>?, shouldInterpolate: Bool
  ) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/width
  public var width: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/height
  public var height: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/bitspercomponent
  public var bitsPerComponent: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/bitsperpixel
  public var bitsPerPixel: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/bytesperrow
  public var bytesPerRow: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/colorspace
  public var colorSpace: CGColorSpace? { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/alphainfo
  public var alphaInfo: CGImageAlphaInfo { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/bitmapinfo
  public var bitmapInfo: CGBitmapInfo { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/dataprovider
  public var dataProvider: CGDataProvider? { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/decode
  public var decode: UnsafePointer<CGFloat>? { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgimage/ismask
  public var isMask: Bool { fatalError("a stub") }
}
