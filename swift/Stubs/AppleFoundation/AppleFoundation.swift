// What Foundation and Dispatch have on Apple's systems and not on Linux: check.sh imports it into every module.

import Dispatch
import Foundation
@_exported import ObjectiveC

extension ProcessInfo {
  /// https://developer.apple.com/documentation/foundation/processinfo/thermalstate-swift.enum
  public enum ThermalState: Int, Sendable {
    case nominal = 0
    case fair = 1
    case serious = 2
    case critical = 3
  }

  /// https://developer.apple.com/documentation/foundation/processinfo/thermalstate-swift.property
  public var thermalState: ThermalState { fatalError("a stub") }

  /// https://developer.apple.com/documentation/foundation/processinfo/islowpowermodeenabled
  public var isLowPowerModeEnabled: Bool { fatalError("a stub") }

  /// https://developer.apple.com/documentation/foundation/processinfo/thermalstatedidchangenotification
  public class var thermalStateDidChangeNotification: NSNotification.Name { fatalError("a stub") }
}

extension NotificationCenter {
  /// https://developer.apple.com/documentation/foundation/notificationcenter/notifications
  public final class Notifications: AsyncSequence, Sendable {
    public struct Iterator: AsyncIteratorProtocol {
      public mutating func next() async -> Notification? { fatalError("a stub") }
    }

    init() { fatalError("a stub") }

    public func makeAsyncIterator() -> Iterator { fatalError("a stub") }
  }

  /// https://developer.apple.com/documentation/foundation/notificationcenter/notifications(named:object:)
  public func notifications(
    named name: Notification.Name, object: (any AnyObject & Sendable)? = nil
  ) -> Notifications { fatalError("a stub") }
}

extension NSNotification.Name {
  /// https://developer.apple.com/documentation/foundation/nsnotification/name-swift.struct/nsprocessinfopowerstatedidchange
  public static var NSProcessInfoPowerStateDidChange: NSNotification.Name { fatalError("a stub") }
}

extension URL {
  /// https://developer.apple.com/documentation/foundation/url/startaccessingsecurityscopedresource()
  public func startAccessingSecurityScopedResource() -> Bool { fatalError("a stub") }

  /// https://developer.apple.com/documentation/foundation/url/stopaccessingsecurityscopedresource()
  public func stopAccessingSecurityScopedResource() {}

  /// https://developer.apple.com/documentation/foundation/url/applicationsupportdirectory
  public static var applicationSupportDirectory: URL { fatalError("a stub") }

  /// https://developer.apple.com/documentation/foundation/url/cachesdirectory
  public static var cachesDirectory: URL { fatalError("a stub") }

  /// https://developer.apple.com/documentation/foundation/url/documentsdirectory
  public static var documentsDirectory: URL { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/dispatch/dispatchsourcememorypressure
public protocol DispatchSourceMemoryPressure: DispatchSourceProtocol {
  /// https://developer.apple.com/documentation/dispatch/dispatchsourcememorypressure/data
  var data: DispatchSource.MemoryPressureEvent { get }

  /// https://developer.apple.com/documentation/dispatch/dispatchsourcememorypressure/mask
  var mask: DispatchSource.MemoryPressureEvent { get }
}

extension DispatchSource {
  /// https://developer.apple.com/documentation/dispatch/dispatchsource/memorypressureevent
  public struct MemoryPressureEvent: OptionSet, Sendable {
    public let rawValue: UInt

    public init(rawValue: UInt) { self.rawValue = rawValue }

    public static var normal: MemoryPressureEvent { MemoryPressureEvent(rawValue: 1) }
    public static var warning: MemoryPressureEvent { MemoryPressureEvent(rawValue: 2) }
    public static var critical: MemoryPressureEvent { MemoryPressureEvent(rawValue: 4) }
  }

  /// https://developer.apple.com/documentation/dispatch/dispatchsource/makememorypressuresource(eventmask:queue:)
  public class func makeMemoryPressureSource(
    eventMask: DispatchSource.MemoryPressureEvent, queue: DispatchQueue? = nil
  ) -> any DispatchSourceMemoryPressure { fatalError("a stub") }
}
