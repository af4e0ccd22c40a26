import Foundation

/// https://developer.apple.com/documentation/coreml/mlmodel
open class MLModel: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmodel/modeldescription
  open var modelDescription: MLModelDescription { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmodel/compilemodel(at:)-45ao6
  @available(iOS 16.0, macOS 13.0, *)
  public class func compileModel(at url: URL) async throws -> URL { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmodel/load(contentsof:configuration:)
  @available(iOS 15.0, macOS 12.0, *)
  public class func load(
    contentsOf url: URL, configuration: MLModelConfiguration = MLModelConfiguration()
  ) async throws -> MLModel { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmodel/prediction(from:options:)-81mr6
  open func prediction(from input: any MLFeatureProvider, options: MLPredictionOptions) throws -> any MLFeatureProvider
  {
    fatalError("a stub")
  }

  /// https://developer.apple.com/documentation/coreml/mlmodel/prediction(from:options:)-3vg03
  @available(iOS 17.0, macOS 14.0, *)
  public func prediction(
    from input: any MLFeatureProvider, options: MLPredictionOptions = MLPredictionOptions()
  ) async throws -> any MLFeatureProvider { fatalError("a stub") }
}
