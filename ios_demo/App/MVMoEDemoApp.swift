import DemoLogic
import SwiftUI

/// A routed model on the phone: try it, see which experts are in memory, measure it.
@main
struct MVMoEDemoApp: App {
  @State private var model = DemoModel.ofThisPhone()

  var body: some Scene {
    WindowGroup {
      RootView(model: model)
        .task { model.store.start() }
    }
  }
}
