// On a Mac both are Core Graphics' own.
@_exported import struct Foundation.CGFloat
@_exported import struct Foundation.CGRect

/// https://developer.apple.com/documentation/coregraphics/cgblendmode
public enum CGBlendMode: Int32, Sendable {
  case normal = 0
  case copy = 17
}

/// https://developer.apple.com/documentation/coregraphics/cginterpolationquality
public enum CGInterpolationQuality: Int32, Sendable {
  case `default` = 0
  case none = 1
  case low = 2
  case high = 3
  case medium = 4
}

/// https://developer.apple.com/documentation/coregraphics/cgcontext
public final class CGContext {
  /// https://developer.apple.com/documentation/coregraphics/cgcontext/init(data:width:height:bitspercomponent:bytesperrow:space:bitmapinfo:)
  public init?(
    data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
    space: CGColorSpace, bitmapInfo: UInt32
  ) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/data
  public var data: UnsafeMutableRawPointer? { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/width
  public var width: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/height
  public var height: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/bytesperrow
  public var bytesPerRow: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/interpolationquality
  public var interpolationQuality: CGInterpolationQuality {
    get { fatalError("a stub") }
    set { fatalError("a stub") }
  }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/setblendmode(_:)
  public func setBlendMode(_ mode: CGBlendMode) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/setrenderingintent(_:)
  public func setRenderingIntent(_ intent: CGColorRenderingIntent) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coregraphics/cgcontext/draw(_:in:bytiling:)
  public func draw(_ image: CGImage, in rect: CGRect, byTiling: Bool = false) { fatalError("a stub") }
}
