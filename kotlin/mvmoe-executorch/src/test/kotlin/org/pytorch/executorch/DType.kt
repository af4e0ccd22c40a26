package org.pytorch.executorch

enum class DType { INT32, INT64, HALF, FLOAT, DOUBLE }
