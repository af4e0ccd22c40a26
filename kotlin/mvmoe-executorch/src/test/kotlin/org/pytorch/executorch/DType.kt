package org.pytorch.executorch

enum class DType { INT8, INT32, INT64, HALF, FLOAT, DOUBLE }
