import Foundation

/// https://developer.apple.com/documentation/coreml/mlmodelasset
@available(iOS 16.0, macOS 13.0, *)
open class MLModelAsset: NSObject {
  /// https://developer.apple.com/documentation/coreml/mlmodelasset/init(url:)
  @available(iOS 18.0, macOS 15.0, *)
  public convenience init(url compiledModelURL: URL) throws { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmodelasset/functionnames(completionhandler:)
  @available(iOS 18.0, macOS 15.0, *)
  open var functionNames: [String] { get async throws { fatalError("a stub") } }
}
