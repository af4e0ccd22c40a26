import DemoLogic
import PhotosUI
import SwiftUI
import UIKit

/// The image that is answered, where it comes from, and the button for another one.
struct ImagePanel: View {
  let trying: TryModel
  @State private var picked: PhotosPickerItem?
  @Environment(\.openURL) private var openURL

  var body: some View {
    let card = trying.image
    VStack(alignment: .leading, spacing: 8) {
      Picker(TryPhrase.sourceDescription.text, selection: source) {
        ForEach(ImageSource.allCases, id: \.self) { Text($0.title).tag($0) }
      }
      .pickerStyle(.segmented)
      image(card)
      HStack(alignment: .center, spacing: 12) {
        if let input = card.input, let text = card.inputText {
          GreyImageView(image: input).frame(width: 48, height: 48).accessibilityHidden(true)
          Text(text).font(.footnote).foregroundStyle(Color.secondary)
        }
        Spacer()
        if card.isActionShown { button(card) }
      }
      if let error = card.error { Sentence(text: error, kind: .error) }
    }
    .onChange(of: picked) { _, item in pick(item) }
  }

  private var source: Binding<ImageSource> {
    Binding(get: { @MainActor in trying.source }, set: { @MainActor in trying.choose($0) })
  }

  @ViewBuilder
  private func image(_ card: ImageCard) -> some View {
    switch trying.source {
    case .draw:
      DrawingCanvas(drawing: trying.drawing, hint: card.hint) { trying.draw($0) }.accessibilityLabel(card.spoken)
    case .photo: PictureView(picture: trying.photo, marks: trying.explanation?.marks).accessibilityLabel(card.spoken)
    case .camera: PictureView(picture: trying.frame, marks: trying.explanation?.marks).accessibilityLabel(card.spoken)
    }
  }

  @ViewBuilder
  private func button(_ card: ImageCard) -> some View {
    switch card.action {
    case .pickPhoto: PhotosPicker(card.actionText, selection: $picked, matching: .images)
    case .clear, .allowCamera: Button(card.actionText) { trying.act() }.disabled(!card.isActionEnabled)
    case .openSettings: Button(card.actionText) { openSettings() }
    }
  }

  private func openSettings() {
    if let settings = URL(string: UIApplication.openSettingsURLString) { openURL(settings) }
  }

  private func pick(_ item: PhotosPickerItem?) {
    guard let item else { return }
    trying.pick(item.itemIdentifier ?? "photo") { mostPixels in
      guard let data = try await item.loadTransferable(type: Data.self) else { throw CocoaError(.fileReadUnknown) }
      // One that was picked meanwhile is the one to keep.
      if await isCurrent(item) { try KeptPhoto.keep(data) }
      return try await KeptPhoto.pixels(of: data, atMost: mostPixels)
    }
  }

  private func isCurrent(_ item: PhotosPickerItem) -> Bool { picked == item }
}
