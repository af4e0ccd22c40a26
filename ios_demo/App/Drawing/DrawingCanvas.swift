import DemoLogic
import SwiftUI

/// A square to draw a digit on: white on black, as the data set's digits are.
struct DrawingCanvas: View {
  let drawing: Drawing
  let hint: String?
  let finished: (Stroke) -> Void
  @State private var stroke: Stroke = []

  var body: some View {
    GeometryReader { space in
      let side = min(space.size.width, space.size.height)
      Canvas { context, size in
        context.fill(Path(CGRect(origin: .zero, size: size)), with: .color(.black))
        for stroke in drawing.strokes + [stroke] where !stroke.isEmpty {
          context.stroke(
            Self.path(stroke, size), with: .color(.white),
            style: StrokeStyle(lineWidth: size.width / 12, lineCap: .round, lineJoin: .round))
        }
      }
      .frame(width: side, height: side)
      .overlay { if let hint, stroke.isEmpty { Text(hint).foregroundStyle(Color.gray).padding() } }
      .clipShape(RoundedRectangle(cornerRadius: 12))
      .gesture(gesture(side))
      .frame(maxWidth: .infinity)
    }
    .aspectRatio(1, contentMode: .fit)
    .frame(maxHeight: 320)
    .accessibilityElement(children: .ignore)
    .accessibilityAddTraits(.allowsDirectInteraction)
  }

  private func gesture(_ side: CGFloat) -> some Gesture {
    DragGesture(minimumDistance: 0)
      .onChanged { touch in
        let place = touch.location
        stroke.append(Point(x: Float(place.x / max(side, 1)), y: Float(place.y / max(side, 1))))
      }
      .onEnded { _ in
        finished(stroke)
        stroke = []
      }
  }

  private static func path(_ stroke: Stroke, _ size: CGSize) -> Path {
    var path = Path()
    let places = stroke.map { CGPoint(x: CGFloat($0.x) * size.width, y: CGFloat($0.y) * size.height) }
    path.move(to: places[0])
    // A touch without a move is a dot.
    for place in places.count > 1 ? places[1...] : places[...] { path.addLine(to: place) }
    return path
  }
}
