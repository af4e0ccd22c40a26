import Foundation
import MVMoE

/// The last photo, kept where it is there again after the app was ended.
enum KeptPhoto {
  private static var place: URL { URL.cachesDirectory.appending(path: "photo") }

  static func keep(_ data: Data) throws { try data.write(to: place, options: .atomic) }

  /// A photo, decoded to at most that many pixels.
  static func pixels(of data: Data, atMost mostPixels: Int) async throws -> PixelBuffer {
    try await Pictures(maxPixels: mostPixels).decode(data)
  }

  /// The one that was kept, decoded to at most that many pixels.
  static func pixels(atMost mostPixels: Int) async throws -> PixelBuffer {
    try await Pictures(maxPixels: mostPixels).decode(contentsOf: place)
  }
}
