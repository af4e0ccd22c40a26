package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** How a route and its gates are put into the inputs of a graph. */
class WritersTest {
    private val gates = floatArrayOf(0.25f, 0.75f)
    private val nan = Float.NaN

    @Test
    fun `dispatch and bind write the gates in the order of the route`() {
        for (strategy in listOf(DispatchStrategy, BindStrategy)) {
            val tensor = filled(DType.FLOAT32, 3, 2)
            strategy.write(mapOf("gates" to tensor), 1, Route.of(1, 3), gates)
            assertEquals(listOf(nan, nan, 0.25f, 0.75f, nan, nan), floats(tensor))
        }
    }

    @Test
    fun `all-experts writes each gate at its expert, and 0 elsewhere`() {
        val tensor = filled(DType.FLOAT32, 2, 4)
        AllExpertsStrategy.write(mapOf("gates" to tensor), 1, Route.of(1, 3), gates)
        assertEquals(List(4) { nan } + listOf(0f, 0.25f, 0f, 0.75f), floats(tensor))
    }

    @Test
    fun `gather writes experts and gates, and fills a shorter route up with gates of 0`() {
        for (type in listOf(DType.INT64, DType.INT32)) {
            val tensors = mapOf("gates" to filled(DType.FLOAT32, 2, 3), "experts" to filled(type, 2, 3))
            GatherStrategy.write(tensors, 1, Route.of(4, 70_000), gates)
            assertEquals(List(3) { nan } + listOf(0.25f, 0.75f, 0f), floats(tensors.getValue("gates")))
            assertEquals(listOf(-1L, -1L, -1L, 4L, 70_000L, 0L), integers(tensors.getValue("experts")))
        }
    }

    @Test
    fun `experts writes gates, and leaves 0 in the slots of a shorter route`() {
        val tensors =
            linkedMapOf(
                "tokens" to filled(DType.FLOAT32, 2, 2),
                "slot0_output" to filled(DType.FLOAT32, 2, 2),
                "slot1_output" to filled(DType.FLOAT32, 2, 2),
                "slot1_half" to filled(DType.FLOAT16, 2, 3),
                "slot2_output" to filled(DType.FLOAT32, 2, 2),
                "gates" to filled(DType.FLOAT32, 2, 3),
            )
        ExpertsStrategy.write(tensors, 1, Route.of(3), floatArrayOf(0.5f))
        assertEquals(List(3) { nan } + listOf(0.5f, 0f, 0f), floats(tensors.getValue("gates")))
        for (kept in listOf("tokens", "slot0_output")) assertEquals(List(4) { nan }, floats(tensors.getValue(kept)))
        for (cleared in listOf("slot1_output", "slot2_output")) {
            assertEquals(listOf(nan, nan, 0f, 0f), floats(tensors.getValue(cleared)))
        }
        val half = tensors.getValue("slot1_half").data
        assertEquals(List(6) { (-1).toByte() } + List(6) { 0.toByte() }, List(12) { half.get(it) })
    }

    @Test
    fun `a slot is 0 after each time that a writer wrote, whatever was there meanwhile`() {
        val slot = filled(DType.FLOAT32, 1, 3000)
        val tensors = mapOf("slot1_output" to slot, "gates" to filled(DType.FLOAT32, 1, 2))
        val writer = ExpertsStrategy.writer(tensors, Route.of(2))
        repeat(2) {
            fill(slot)
            writer.write(floatArrayOf(1f))
            assertTrue(floats(slot).all { it == 0f })
        }
    }

    @Test
    fun `a full route clears nothing`() {
        val slots = (0..1).associate { "slot${it}_output" to filled(DType.FLOAT32, 1, 2) }
        ExpertsStrategy.write(slots + ("gates" to filled(DType.FLOAT32, 1, 2)), 0, Route.of(0, 2), gates)
        for (slot in slots.values) assertEquals(listOf(nan, nan), floats(slot))
    }

    @Test
    fun `no writer moves the position of a tensor's memory, which others hold`() {
        val tensors =
            mapOf(
                "gates" to filled(DType.FLOAT32, 1, 2),
                "experts" to filled(DType.INT64, 1, 2),
                "slot1_output" to filled(DType.FLOAT32, 1, 2),
            )
        for (strategy in listOf(DispatchStrategy, ExpertsStrategy, GatherStrategy, AllExpertsStrategy)) {
            strategy.write(tensors, 0, Route.of(1), floatArrayOf(1f))
        }
        for (tensor in tensors.values) {
            assertEquals(0, tensor.data.position())
            assertEquals(tensor.data.capacity(), tensor.data.limit())
            assertEquals(0, tensor.floats.position())
        }
    }

    private fun filled(
        type: DType,
        vararg shape: Int,
    ): Tensor = Tensor.allocate(type, shape.toList()).also(::fill)

    /** Bytes of which floats are no numbers. */
    private fun fill(tensor: Tensor) {
        for (place in 0 until tensor.data.capacity()) tensor.data.put(place, -1)
    }

    private fun floats(tensor: Tensor): List<Float> = List(tensor.floats.capacity()) { tensor.floats.get(it) }

    private fun integers(tensor: Tensor): List<Long> =
        List(tensor.shape.reduce(Int::times)) {
            if (tensor.dtype == DType.INT64) tensor.data.getLong(8 * it) else tensor.data.getInt(4 * it).toLong()
        }
}
