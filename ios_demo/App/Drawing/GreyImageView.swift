import DemoLogic
import SwiftUI

/// What the model is given of a drawing, each pixel a square.
struct GreyImageView: View {
  let image: GreyImage

  var body: some View {
    if let pixels = Pixels.image(image) {
      Image(decorative: pixels, scale: 1).interpolation(.none).resizable()
    }
  }
}
