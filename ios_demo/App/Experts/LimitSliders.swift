import DemoLogic
import SwiftUI

/// How much may be in memory, and the buttons that load and release.
struct LimitSliders: View {
  @Bindable var experts: ExpertsModel

  var body: some View {
    Card {
      if experts.expertLimits.last > 0 {
        slider(experts.expertsPlaceText, $experts.expertsPlace, experts.expertLimits.last)
      }
      if experts.byteLimits.last > 0 {
        slider(experts.bytesPlaceText, $experts.bytesPlace, experts.byteLimits.last)
      }
      HStack {
        Button(ExpertsPhrase.expertsLoad.text) { experts.load() }
        Spacer()
        Button(ExpertsPhrase.expertsRelease.text) { experts.release() }
      }
      .buttonStyle(.bordered)
    }
  }

  private func slider(_ text: String, _ place: Binding<Int>, _ last: Int) -> some View {
    VStack(alignment: .leading, spacing: 2) {
      Text(text).font(.subheadline).accessibilityHidden(true)
      Slider(
        value: Binding(get: { Double(place.wrappedValue) }, set: { place.wrappedValue = Int($0) }),
        in: 0...Double(last), step: 1
      )
      .accessibilityLabel(text)
    }
  }
}
