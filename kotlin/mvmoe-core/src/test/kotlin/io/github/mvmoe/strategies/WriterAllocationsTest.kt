package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.testing.bytesOfOne
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

/** What a writer needs is made when it is made. */
class WriterAllocationsTest {
    private val gates = floatArrayOf(0.5f, 0.5f)
    private val inputs =
        mapOf(
            "gates" to Tensor.allocate(DType.FLOAT32, listOf(1, 3000)),
            "experts" to Tensor.allocate(DType.INT64, listOf(1, 3)),
            "slot2_output" to Tensor.allocate(DType.FLOAT32, listOf(1, 3000)),
        )

    @Test
    fun `writing allocates nothing`() {
        for (name in Strategies.names) {
            val writer = Strategies.find(name)!!.writer(inputs, Route.of(1, 2000))
            assertEquals(0, bytesOfOne(times = 2000) { writer.write(gates) }, name)
        }
    }
}
