package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec

/** Numbers of any shape, of which nothing else is known. */
public class TensorOutput internal constructor(
    spec: OutputSpec,
    shape: List<Int>,
    values: FloatArray,
) : Output(spec, shape, values)
