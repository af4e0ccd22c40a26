package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/** What a detector has found, in rows `[N, 4 + C]`: left, top, right, bottom in pixels of the input, then C scores. */
public class BoxesOutput internal constructor(
    spec: OutputSpec,
    shape: List<Int>,
    values: FloatArray,
    private val transform: InputTransform?,
) : Output(spec, shape, values) {
    /**
     * The boxes with a score of at least 0.25, after non-maximum suppression within each class, the highest score first
     * (`docs/outputs.md`, *boxes*).
     */
    public fun detections(): List<Detection> =
        DetectorRows(values, shape).found().map {
            Detection(it.index, label(it.index), it.score, transform?.toImage(it.box) ?: it.box, it.row)
        }
}
