import DemoLogic
import Foundation
import UIKit

/// What the app was started for.
@MainActor
final class AppStart {
  /// What is shown.
  enum Purpose {
    case demo(DemoModel)
    case order(OrderService)
    case unknownOrder
  }

  let purpose: Purpose

  /// When the program began, by `MonotonicClock`.
  let begun: Int

  init(_ arguments: [String], begun: Int) {
    self.begun = begun
    // The battery's level is part of what results say of the phone.
    UIDevice.current.isBatteryMonitoringEnabled = true
    switch LaunchArguments(arguments) {
    case .demo: purpose = .demo(.ofThisPhone())
    case .order(let request):
      purpose = .order(
        OrderService(
          request, engines: .coreML, surroundings: PhoneSurroundings(), keepScreenOn: AppStart.keepScreenOn))
    case .unknownOrder: purpose = .unknownOrder
    }
  }

  /// Opens what the user had open.
  func open(_ model: DemoModel) async {
    model.store.start()
    await Self.removeOldFiles()
  }

  /// Lets the phone not sleep while it measures.
  static func keepScreenOn(_ isOn: Bool) { UIApplication.shared.isIdleTimerDisabled = isOn }

  private nonisolated static func removeOldFiles() async { OrderService.removeOldFiles() }
}
