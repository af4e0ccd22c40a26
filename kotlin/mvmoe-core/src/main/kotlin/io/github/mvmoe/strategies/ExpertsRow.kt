package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** One image's row of experts in an input `[B, n]` of integers, int64 or int32. */
internal class ExpertsRow(
    tensor: Tensor,
    position: Int,
) {
    private val bytes: ByteBuffer = tensor.data.duplicate().order(ByteOrder.nativeOrder())
    private val isLong = tensor.dtype == DType.INT64
    private val width = tensor.dtype.bytes
    private val size = tensor.shape[1]
    private val first = position * size

    /** The experts of a route, 0 behind them. */
    fun fill(route: Route) {
        for (place in 0 until size) put(place, if (place < route.size) route.expertAt(place) else 0)
    }

    private fun put(
        place: Int,
        expert: Int,
    ) {
        val at = (first + place) * width
        if (isLong) bytes.putLong(at, expert.toLong()) else bytes.putInt(at, expert)
    }
}
