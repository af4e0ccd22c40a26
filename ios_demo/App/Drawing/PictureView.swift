import DemoLogic
import SwiftUI

/// A picture with what the model has found in it: boxes with their classes, masks as colours over it.
struct PictureView: View {
  let picture: Picture?
  let marks: Marks?

  var body: some View {
    if let picture, let pixels = Pixels.image(picture) {
      Canvas { context, size in
        let frame = CGRect(origin: .zero, size: size)
        context.draw(Image(decorative: pixels, scale: 1), in: frame)
        let scale = size.width / CGFloat(picture.width)
        for mask in marks?.masks ?? [] { Self.draw(mask, in: size, &context) }
        for box in marks?.boxes ?? [] { Self.draw(box, scale * CGFloat(picture.scale), &context) }
      }
      .aspectRatio(CGFloat(picture.width) / CGFloat(picture.height), contentMode: .fit)
      .frame(maxWidth: .infinity, maxHeight: 320)
      .clipShape(RoundedRectangle(cornerRadius: 12))
      .accessibilityElement(children: .ignore)
    } else {
      RoundedRectangle(cornerRadius: 12)
        .fill(.background.secondary)
        .aspectRatio(1, contentMode: .fit)
        .frame(maxHeight: 320)
        .accessibilityElement(children: .ignore)
    }
  }

  private static func draw(_ mask: MarkedPlaces, in size: CGSize, _ context: inout GraphicsContext) {
    let (width, height) = (size.width / CGFloat(mask.width), size.height / CGFloat(mask.height))
    for (place, index) in mask.classes.enumerated() {
      guard let index else { continue }
      let (row, column) = place.quotientAndRemainder(dividingBy: mask.width)
      let cell = CGRect(x: CGFloat(column) * width, y: CGFloat(row) * height, width: width, height: height)
      context.fill(Path(cell), with: .color(ClassColors.color(index).opacity(0.4)))
    }
  }

  private static func draw(_ found: MarkedBox, _ scale: CGFloat, _ context: inout GraphicsContext) {
    let box = CGRect(
      x: CGFloat(found.box.left) * scale, y: CGFloat(found.box.top) * scale, width: CGFloat(found.box.width) * scale,
      height: CGFloat(found.box.height) * scale)
    context.stroke(Path(box), with: .color(ClassColors.color(found.index)), style: StrokeStyle(lineWidth: 2))
    let name = Text(found.text).font(.caption.bold()).foregroundStyle(ClassColors.color(found.index))
    context.draw(name, at: CGPoint(x: box.minX + 4, y: box.minY + 2), anchor: .topLeading)
  }
}
