package io.github.mvmoe.executorch

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import org.pytorch.executorch.DType as ExecuTorchDType

class ValuesTest {
    @Test
    fun `weights of int8 are given where they lie, whatever lies behind them`() {
        val memory = ByteBuffer.allocateDirect(64)
        val data = memory.duplicate().apply { limit(6) }
        val given = valueOver(Tensor(DType.INT8, listOf(2, 3), data)).toTensor()
        memory.put(5, -7)
        assertEquals(ExecuTorchDType.INT8, given.dtype())
        assertContentEquals(longArrayOf(2, 3), given.shape())
        assertEquals(-7, given.bytes.get(5))
    }
}
