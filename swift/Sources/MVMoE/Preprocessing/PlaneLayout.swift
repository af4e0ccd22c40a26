/// What one plane of a format holds.
struct PlaneLayout: Sendable {
  /// What messages call it.
  let name: String

  /// Samples of a pixel.
  let samples: Int

  /// How many columns, and rows, of the image share one of its pixels.
  var part: Int = 1
}

extension PixelFormat {
  /// The planes that a buffer of this format has.
  var layouts: [PlaneLayout] {
    switch self {
    case .grey: [PlaneLayout(name: "pixel", samples: 1)]
    case .rgb: [PlaneLayout(name: "pixel", samples: 3)]
    case .rgba, .bgra: [PlaneLayout(name: "pixel", samples: 4)]
    case .nv12, .nv21: [PlaneLayout(name: "luma", samples: 1), PlaneLayout(name: "chroma", samples: 2, part: 2)]
    case .yuv420:
      [
        PlaneLayout(name: "luma", samples: 1), PlaneLayout(name: "U", samples: 1, part: 2),
        PlaneLayout(name: "V", samples: 1, part: 2),
      ]
    }
  }

  /// Whether 2 x 2 pixels share chroma.
  var hasChroma: Bool {
    switch self {
    case .grey, .rgb, .rgba, .bgra: false
    case .nv12, .nv21, .yuv420: true
    }
  }
}
