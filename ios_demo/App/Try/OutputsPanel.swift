import DemoLogic
import SwiftUI

/// What else the model gives.
struct OutputsPanel: View {
  let lines: [String]

  var body: some View {
    Card(TryPhrase.outputsTitle.text) {
      ForEach(lines, id: \.self) { Text($0).font(.subheadline) }
    }
  }
}
