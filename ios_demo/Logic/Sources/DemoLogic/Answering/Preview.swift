import MVMoE

/// Makes pictures to look at of what is answered: decoded photos and frames of a camera.
///
/// It takes the nearest pixel, and BT.601 of full range for every frame, which is good enough to look at. What the
/// model sees is prepared by the library.
struct Preview: Sendable {
  /// The most pixels of a side.
  let longest: Int

  init(longest: Int = 720) { self.longest = longest }

  /// A picture; nil for a buffer that contradicts itself, of which the library says what is wrong when it is answered.
  func picture(of pixels: PixelBuffer) -> Picture? {
    guard PlaneExtents.fit(pixels) else { return nil }
    let planes = pixels.planes
    switch pixels.format {
    case .grey: return planes[0].read { picture(pixels, PackedColours($0, red: 0, green: 0, blue: 0)) }
    case .rgb, .rgba: return planes[0].read { picture(pixels, PackedColours($0, red: 0, green: 1, blue: 2)) }
    case .bgra: return planes[0].read { picture(pixels, PackedColours($0, red: 2, green: 1, blue: 0)) }
    case .nv12, .nv21:
      let first = pixels.format == .nv12 ? (u: 0, v: 1) : (u: 1, v: 0)
      return planes[0].read { luma in
        planes[1].read { pairs in
          picture(pixels, YUVColours(luma: luma, u: pairs.moved(by: first.u), v: pairs.moved(by: first.v)))
        }
      }
    case .yuv420:
      return planes[0].read { luma in
        planes[1].read { u in planes[2].read { v in picture(pixels, YUVColours(luma: luma, u: u, v: v)) } }
      }
    }
  }

  private func picture(_ pixels: PixelBuffer, _ colours: some PixelColours) -> Picture {
    let turned = Upright(width: pixels.width, height: pixels.height, orientation: pixels.orientation)
    let size = FittedSize(width: turned.width, height: turned.height, longest: longest)
    let columns = (0..<size.width).map(size.column)
    let count = size.width * size.height * 4
    let rgba = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      var place = 0
      for y in 0..<size.height {
        let row = size.row(y)
        for column in columns {
          let stored = turned.stored(x: column, y: row)
          (bytes[place], bytes[place + 1], bytes[place + 2]) = colours.colour(x: stored.x, y: stored.y)
          bytes[place + 3] = 255
          place += 4
        }
      }
      filled = count
    }
    return Picture(width: size.width, height: size.height, rgba: rgba, scale: size.scale)
  }
}
