import DemoLogic
import SwiftUI

/// A line for each subject, with the colour of its curve.
struct BenchFigures: View {
  let rows: [BenchFigureRow]

  var body: some View {
    ForEach(rows) { row in
      HStack(alignment: .firstTextBaseline) {
        RoundedRectangle(cornerRadius: 2).fill(ClassColors.color(row.id)).frame(width: 10, height: 10)
        VStack(alignment: .leading, spacing: 2) {
          Text(row.name).font(.subheadline)
          Text(row.figures).font(.footnote).monospacedDigit()
          if let check = row.check { Text(check).font(.footnote).foregroundStyle(Color.secondary) }
          if let failure = row.failure { Sentence(text: failure, kind: .error) }
        }
      }
      .accessibilityElement(children: .combine)
    }
  }
}
