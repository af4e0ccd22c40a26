package io.github.mvmoe.strategies

import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import java.nio.FloatBuffer

/** One image's row of numbers in an input `[B, n]`, which is written by places. */
internal class GatesRow(
    tensor: Tensor,
    position: Int,
) {
    private val floats: FloatBuffer = tensor.floats
    private val size = tensor.shape[1]
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
