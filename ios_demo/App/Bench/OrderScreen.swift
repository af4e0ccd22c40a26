import DemoLogic
import SwiftUI

/// What is shown while the app follows an order of `mvmoe bench --device ios`: little, since drawing takes time too.
struct OrderScreen: View {
  let service: OrderService

  var body: some View {
    VStack(spacing: 12) {
      Text(BenchPhrase.orderTitle.text).font(.title2.bold())
      Text(service.name).font(.footnote).monospacedDigit()
      if let state = service.state { Text(state) }
    }
    .padding(24)
  }
}
