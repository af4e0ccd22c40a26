@_exported import CoreFoundation
import Foundation

/// https://developer.apple.com/documentation/coregraphics/cgcolorspacemodel
public enum CGColorSpaceModel: Int32, Sendable {
  case unknown = -1
  case monochrome = 0
  case rgb = 1
  case cmyk = 2
  case lab = 3
  case deviceN = 4
  case indexed = 5
  case pattern = 6
  case XYZ = 7
}

/// https://developer.apple.com/documentation/coregraphics/cgcolorspace
public final class CGColorSpace {
  /// https://developer.apple.com/documentation/coregraphics/cgcolorspace/init(name:)
  public init?(name: CFString) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcolorspace/srgb
  public class var sRGB: CFString { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcolorspace/genericgraygamma2_2
  public class var genericGrayGamma2_2: CFString { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcolorspace/model
  public var model: CGColorSpaceModel { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcolorspace/name
  public var name: CFString? { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coregraphics/cgcolorspacecreatedevicegray()
public func CGColorSpaceCreateDeviceGray() -> CGColorSpace { fatalError("a stub") }

/// https://developer.apple.com/documentation/coregraphics/cgcolorspacecreatedevicergb()
public func CGColorSpaceCreateDeviceRGB() -> CGColorSpace { fatalError("a stub") }

/// https://developer.apple.com/documentation/coregraphics/cgcolorrenderingintent
public enum CGColorRenderingIntent: Int32, Sendable {
  case defaultIntent = 0
  case absoluteColorimetric = 1
  case relativeColorimetric = 2
  case perceptual = 3
  case saturation = 4
}
