import DemoLogic
import SwiftUI

/// The same image through all experts, beside it.
struct ComparisonPanel: View {
  let card: ComparisonCard

  var body: some View {
    Card(TryPhrase.compareTitle.text) {
      ForEach(card.rows) { BarLine(row: $0) }
      Text(card.sentence).font(.footnote).foregroundStyle(Color.secondary)
    }
  }
}
