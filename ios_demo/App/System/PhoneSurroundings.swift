import DemoLogic
import Foundation
import UIKit

/// What iOS says of the app and the phone, as notifications.
@MainActor
final class PhoneSurroundings: Surroundings {
  private(set) var conditions: Conditions
  private var followers: [@MainActor (SurroundingsEvent) -> Void] = []

  init() {
    conditions = Self.now(isInBackground: UIApplication.shared.applicationState == .background)
    watch(UIApplication.didEnterBackgroundNotification) { $0.change(isInBackground: true) }
    watch(UIApplication.willEnterForegroundNotification) { $0.change(isInBackground: false) }
    watch(Notification.Name.NSProcessInfoPowerStateDidChange) { $0.change() }
    watch(ProcessInfo.thermalStateDidChangeNotification) { $0.change() }
    watch(UIDevice.batteryLevelDidChangeNotification) { $0.change() }
    watch(UIApplication.didReceiveMemoryWarningNotification) { $0.tell(.memoryWarning) }
  }

  func follow(_ follower: @escaping @MainActor (SurroundingsEvent) -> Void) { followers.append(follower) }

  /// As long as the app runs, which this object does too.
  private func watch(_ name: Notification.Name, _ act: @escaping @MainActor (PhoneSurroundings) -> Void) {
    Task { [weak self] in
      for await _ in NotificationCenter.default.notifications(named: name).map({ _ in () }) {
        guard let self else { return }
        act(self)
      }
    }
  }

  private func change(isInBackground: Bool? = nil) {
    conditions = Self.now(isInBackground: isInBackground ?? conditions.isInBackground)
    tell(.changed(conditions))
  }

  private func tell(_ event: SurroundingsEvent) {
    for follower in followers { follower(event) }
  }

  private static func now(isInBackground: Bool) -> Conditions {
    let process = ProcessInfo.processInfo
    return Conditions(
      isInBackground: isInBackground, isLowPowerMode: process.isLowPowerModeEnabled, heat: heat(process.thermalState),
      battery: battery)
  }

  /// In percent; nil where nobody watches it, as on a simulator.
  private static var battery: Int? {
    let level = UIDevice.current.batteryLevel
    return level >= 0 ? Int((100 * level).rounded()) : nil
  }

  private static func heat(_ state: ProcessInfo.ThermalState) -> Heat {
    switch state {
    case .nominal: .nominal
    case .fair: .fair
    case .serious: .serious
    case .critical: .critical
    @unknown default: .critical
    }
  }
}
