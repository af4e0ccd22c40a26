import DemoLogic
import SwiftUI

/// A block for each expert: filled where it is in memory, with a second edge where it is pinned.
struct ExpertsMap: View {
  let blocks: [ExpertBlock]
  let spoken: String

  var body: some View {
    LazyVGrid(columns: [GridItem(.adaptive(minimum: 44), spacing: 8)], spacing: 8) {
      ForEach(blocks) { block in
        Text(block.text)
          .font(.footnote.bold())
          .frame(maxWidth: .infinity, minHeight: 36)
          .foregroundStyle(block.isFilled ? Color.white : Color.primary)
          .background(block.isFilled ? Color.accentColor : Color.clear, in: RoundedRectangle(cornerRadius: 6))
          .overlay { RoundedRectangle(cornerRadius: 6).strokeBorder(Color.accentColor, lineWidth: 1) }
          .padding(3)
          .overlay {
            if block.isPinned { RoundedRectangle(cornerRadius: 8).strokeBorder(Color.accentColor, lineWidth: 2) }
          }
      }
    }
    .accessibilityElement(children: .ignore)
    .accessibilityLabel(spoken)
  }
}

extension ExpertBlock {
  fileprivate var isFilled: Bool { state == .ready }
}
