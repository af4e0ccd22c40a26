package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** One image's row of numbers in an input `[B, n]`, which is written by places. */
internal class GatesRow(
    tensor: Tensor,
    position: Int,
) {
    private val floats: FloatBuffer = tensor.floats
    private val size = rowSize(tensor)
    private val first = position * size

    /** The gates of a route in its order, 0 behind them. */
    fun fill(gates: FloatArray) {
        for (place in gates.indices) floats.put(first + place, gates[place])
        for (place in gates.size until size) floats.put(first + place, 0f)
    }

    /** Each gate at the place of its expert, 0 elsewhere. */
    fun scatter(
        route: Route,
        gates: FloatArray,
    ) {
        for (place in 0 until size) floats.put(first + place, 0f)
        for (place in gates.indices) floats.put(first + route.expertAt(place), gates[place])
    }
}

/** One image's row of experts in an input `[B, n]` of integers, int64 or int32. */
internal class ExpertsRow(
    tensor: Tensor,
    position: Int,
) {
    private val bytes: ByteBuffer = tensor.data.duplicate().order(ByteOrder.nativeOrder())
    private val isLong = tensor.dtype == DType.INT64
    private val width = tensor.dtype.bytes
    private val size = rowSize(tensor)
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

/** The memory of one image in an input, of any type. */
internal class BytesRow(
    tensor: Tensor,
    position: Int,
) {
    private val size = tensor.data.limit() / tensor.shape[0]
    private val bytes: ByteBuffer = tensor.data.duplicate()
    private val first = position * size

    /** Writes 0 everywhere. */
    fun clear() {
        bytes.clear()
        bytes.position(first)
        var left = size
        while (left > 0) {
            val count = minOf(left, ZEROS.size)
            bytes.put(ZEROS, 0, count)
            left -= count
        }
    }

    private companion object {
        val ZEROS = ByteArray(4096)
    }
}

private fun rowSize(tensor: Tensor): Int = tensor.shape[1]
