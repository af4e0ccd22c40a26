@_exported import Foundation

/// https://developer.apple.com/documentation/uikit/uiapplication
@MainActor
public final class UIApplication {
  /// https://developer.apple.com/documentation/uikit/uiapplication/shared
  public static var shared: UIApplication { fatalError("a stub") }

  /// https://developer.apple.com/documentation/uikit/uiapplication/state
  public enum State: Sendable { case active, inactive, background }

  /// https://developer.apple.com/documentation/uikit/uiapplication/applicationstate
  public var applicationState: State { fatalError("a stub") }

  /// https://developer.apple.com/documentation/uikit/uiapplication/isidletimerdisabled
  public var isIdleTimerDisabled: Bool {
    get { fatalError("a stub") }
    set {}
  }

  /// https://developer.apple.com/documentation/uikit/uiapplication/opensettingsurlstring
  public nonisolated static var openSettingsURLString: String { fatalError("a stub") }

  /// https://developer.apple.com/documentation/uikit/uiapplication/didenterbackgroundnotification
  public nonisolated static var didEnterBackgroundNotification: Notification.Name { fatalError("a stub") }

  /// https://developer.apple.com/documentation/uikit/uiapplication/willenterforegroundnotification
  public nonisolated static var willEnterForegroundNotification: Notification.Name { fatalError("a stub") }

  /// https://developer.apple.com/documentation/uikit/uiapplication/didreceivememorywarningnotification
  public nonisolated static var didReceiveMemoryWarningNotification: Notification.Name { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/uikit/uidevice
@MainActor
public final class UIDevice {
  /// https://developer.apple.com/documentation/uikit/uidevice/current
  public static var current: UIDevice { fatalError("a stub") }

  /// https://developer.apple.com/documentation/uikit/uidevice/isbatterymonitoringenabled
  public var isBatteryMonitoringEnabled: Bool {
    get { fatalError("a stub") }
    set {}
  }

  /// https://developer.apple.com/documentation/uikit/uidevice/batterylevel
  public var batteryLevel: Float { fatalError("a stub") }

  /// https://developer.apple.com/documentation/uikit/uidevice/batteryleveldidchangenotification
  public nonisolated static var batteryLevelDidChangeNotification: Notification.Name { fatalError("a stub") }
}
