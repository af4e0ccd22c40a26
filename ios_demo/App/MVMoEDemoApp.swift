import DemoLogic
import MVMoEBench
import SwiftUI

/// A routed model on the phone: try it, see which experts are in memory, measure it.
@main
struct MVMoEDemoApp: App {
  @State private var start = AppStart(CommandLine.arguments, begun: MonotonicClock.nanoseconds())

  var body: some Scene {
    WindowGroup {
      switch start.purpose {
      case .demo(let model): RootView(model: model).task { await start.open(model) }
      case .order(let service): OrderScreen(service: service).task { await service.follow(begun: start.begun) }
      case .unknownOrder: Text(BenchPhrase.orderNone.text).padding(24)
      }
    }
  }
}
