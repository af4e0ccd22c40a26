import SwiftUI

/// Something to know, or that is wrong, in a sentence; a sign beside it says which.
struct Sentence: View {
  enum Kind {
    case notice
    case error
  }

  let text: String
  let kind: Kind

  var body: some View {
    Label {
      Text(text)
    } icon: {
      Image(systemName: kind == .error ? "exclamationmark.triangle.fill" : "info.circle")
    }
    .font(.footnote)
    .foregroundStyle(kind == .error ? Color.red : Color.secondary)
    .fixedSize(horizontal: false, vertical: true)
  }
}
