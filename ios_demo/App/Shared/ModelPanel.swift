import DemoLogic
import SwiftUI
import UniformTypeIdentifiers

/// Which bundle is open, with the menu to open another one and to choose what computes.
struct ModelPanel: View {
  let store: ModelStore
  @State private var isPicking = false

  var body: some View {
    let card = store.card
    VStack(alignment: .leading, spacing: 6) {
      HStack(alignment: .top) {
        VStack(alignment: .leading, spacing: 2) {
          Text(card.title).font(.title2.bold()).accessibilityAddTraits(.isHeader)
          Text(card.subtitle).font(.footnote).foregroundStyle(Color.secondary)
        }
        Spacer()
        if card.isOpening { ProgressView() }
        menu
      }
      ForEach(card.notices, id: \.self) { Sentence(text: $0, kind: .notice) }
      if let error = card.error { Sentence(text: error, kind: .error) }
    }
    .fileImporter(isPresented: $isPicking, allowedContentTypes: [.folder]) { picked in
      if case .success(let folder) = picked { store.openPicked(folder) }
    }
  }

  private var menu: some View {
    Menu {
      Section(AppPhrase.bundle.text) {
        Button(AppPhrase.bundlePick.text) { isPicking = true }
        Button(AppPhrase.bundleOwn.text) { store.openOwn() }
      }
      Section(AppPhrase.units.text) {
        ForEach(store.engines.all) { choice in
          Button {
            store.use(choice)
          } label: {
            if choice.id == store.engine.id {
              Label(choice.name, systemImage: "checkmark")
            } else {
              Text(choice.name)
            }
          }
        }
      }
    } label: {
      Image(systemName: "ellipsis.circle").imageScale(.large)
    }
    .accessibilityLabel(AppPhrase.bundleDescription.text)
  }
}
