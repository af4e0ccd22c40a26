import SwiftUI

/// https://developer.apple.com/documentation/photosui/photospickeritem
public struct PhotosPickerItem: Hashable, Sendable {
  /// https://developer.apple.com/documentation/photosui/photospickeritem/itemidentifier
  public var itemIdentifier: String? { fatalError("a stub") }

  /// https://developer.apple.com/documentation/photosui/photospickeritem/loadtransferable(type:)
  public func loadTransferable<T: Transferable>(type: T.Type) async throws -> T? { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coretransferable/transferable
public protocol Transferable: Sendable {}

extension Data: Transferable {}

/// https://developer.apple.com/documentation/photosui/phpickerfilter-swift.struct
public struct PHPickerFilter: Sendable {
  /// https://developer.apple.com/documentation/photosui/phpickerfilter-swift.struct/images
  public static var images: PHPickerFilter { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/photosui/photospicker
public struct PhotosPicker<Label: View>: View {
  public var body: Never { return fatalError("a stub") }
}

extension PhotosPicker where Label == Text {
  /// https://developer.apple.com/documentation/photosui/photospicker/init(_:selection:matching:preferreditemencoding:)
  public init<S: StringProtocol>(
    _ title: S, selection: Binding<PhotosPickerItem?>, matching filter: PHPickerFilter? = nil
  ) { fatalError("a stub") }
}
