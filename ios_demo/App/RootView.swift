import DemoLogic
import SwiftUI

/// The app's screens.
struct RootView: View {
  let model: DemoModel

  var body: some View {
    TabView {
      TryScreen(trying: model.trying, store: model.store)
        .tabItem { Label(AppPhrase.tabTry.text, systemImage: "scribble.variable") }
      ExpertsScreen(store: model.store)
        .tabItem { Label(ExpertsPhrase.tabExperts.text, systemImage: "square.grid.3x3.middle.filled") }
      BenchScreen(bench: model.bench, store: model.store)
        .tabItem { Label(BenchPhrase.tabBench.text, systemImage: "stopwatch") }
    }
  }
}
