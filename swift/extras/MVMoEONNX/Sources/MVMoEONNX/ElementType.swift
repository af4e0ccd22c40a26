import COnnxRuntime
import MVMoE

extension DType {
  /// What ONNX Runtime calls the type.
  var element: ONNXTensorElementDataType {
    switch self {
    case .float32: ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
    case .float16: ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16
    case .int64: ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64
    case .int32: ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32
    case .int8: ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8
    }
  }
}

/// The name of a type in manifests, or, of a type that bundles do not have, ONNX's.
func typeName(_ element: ONNXTensorElementDataType) -> String {
  if let dtype = DType.allCases.first(where: { $0.element == element }) { return dtype.rawValue }
  let number = Int(element.rawValue)
  return elementNames.indices.contains(number) ? elementNames[number] : "type \(number)"
}

/// Of `TensorProto.DataType` of ONNX, in its order.
private let elementNames = [
  "undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64",
  "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
  "float8e5m2fnuz", "uint4", "int4",
]
