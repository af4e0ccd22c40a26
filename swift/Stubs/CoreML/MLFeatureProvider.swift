import CoreVideo
import Foundation

/// https://developer.apple.com/documentation/coreml/mlfeatureprovider
public protocol MLFeatureProvider {
  /// https://developer.apple.com/documentation/coreml/mlfeatureprovider/featurenames
  var featureNames: Set<String> { get }

  /// https://developer.apple.com/documentation/coreml/mlfeatureprovider/featurevalue(for:)
  func featureValue(for featureName: String) -> MLFeatureValue?
}

/// https://developer.apple.com/documentation/coreml/mldictionaryfeatureprovider
open class MLDictionaryFeatureProvider: NSObject, MLFeatureProvider {
  /// https://developer.apple.com/documentation/coreml/mldictionaryfeatureprovider/init(dictionary:)
  public init(dictionary: [String: Any]) throws { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeatureprovider/featurenames
  open var featureNames: Set<String> { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeatureprovider/featurevalue(for:)
  open func featureValue(for featureName: String) -> MLFeatureValue? { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coreml/mlfeaturevalue
open class MLFeatureValue: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeaturevalue/init(multiarray:)
  public convenience init(multiArray value: MLMultiArray) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeaturevalue/init(pixelbuffer:)
  public convenience init(pixelBuffer value: CVPixelBuffer) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeaturevalue/multiarrayvalue
  open var multiArrayValue: MLMultiArray? { fatalError("a stub") }
}
