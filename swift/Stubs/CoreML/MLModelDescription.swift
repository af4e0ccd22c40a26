import Foundation

/// https://developer.apple.com/documentation/coreml/mlmodeldescription
open class MLModelDescription: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmodeldescription/inputdescriptionsbyname
  open var inputDescriptionsByName: [String: MLFeatureDescription] { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmodeldescription/outputdescriptionsbyname
  open var outputDescriptionsByName: [String: MLFeatureDescription] { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coreml/mlfeaturetype
public enum MLFeatureType: Int, @unchecked Sendable {
  case invalid = 0
  case int64 = 1
  case double = 2
  case string = 3
  case image = 4
  case multiArray = 5
  case dictionary = 6
  case sequence = 7

  /// https://developer.apple.com/documentation/coreml/mlfeaturetype/state
  @available(iOS 18.0, macOS 15.0, *)
  case state = 8
}

/// https://developer.apple.com/documentation/coreml/mlfeaturedescription
open class MLFeatureDescription: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeaturedescription/name
  open var name: String { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeaturedescription/type
  open var type: MLFeatureType { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeaturedescription/multiarrayconstraint
  open var multiArrayConstraint: MLMultiArrayConstraint? { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlfeaturedescription/imageconstraint
  open var imageConstraint: MLImageConstraint? { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coreml/mlmultiarrayconstraint
open class MLMultiArrayConstraint: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmultiarrayconstraint/shape
  open var shape: [NSNumber] { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmultiarrayconstraint/datatype
  open var dataType: MLMultiArrayDataType { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coreml/mlimageconstraint
open class MLImageConstraint: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlimageconstraint/pixelshigh
  open var pixelsHigh: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlimageconstraint/pixelswide
  open var pixelsWide: Int { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlimageconstraint/pixelformattype
  open var pixelFormatType: UInt32 { fatalError("a stub") }
}
