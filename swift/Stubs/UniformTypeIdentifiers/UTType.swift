/// https://developer.apple.com/documentation/uniformtypeidentifiers/uttype-swift.struct
public struct UTType: Sendable, Hashable {
  /// https://developer.apple.com/documentation/uniformtypeidentifiers/uttype-swift.struct/folder
  public static var folder: UTType { fatalError("a stub") }
}
