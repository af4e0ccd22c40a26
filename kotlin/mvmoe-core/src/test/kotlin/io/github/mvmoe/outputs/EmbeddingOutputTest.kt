package io.github.mvmoe.outputs

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import org.junit.jupiter.api.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class EmbeddingOutputTest {
    private val output = outputOf("embedding", listOf(2), 3f, -4f) as EmbeddingOutput

    @Test
    fun `it has the length 1 for an index`() {
        assertContentEquals(floatArrayOf(0.6f, -0.8f), output.normalized())
    }

    @Test
    fun `cosines by hand`() {
        assertEquals(1.0, output.cosine(output), 1e-15)
        assertEquals(-1.0, output.cosine(floatArrayOf(-6f, 8f)), 1e-15)
        assertEquals(0.0, output.cosine(floatArrayOf(4f, 3f)), 1e-15)
        assertEquals(0.6, output.cosine(floatArrayOf(7f, 0f)), 1e-15)
    }

    @Test
    fun `squares may underflow and overflow`() {
        for (scale in listOf(1e-40f, 1e38f)) assertEquals(1.0, output.cosine(floatArrayOf(0.75f * scale, -scale)), 1e-4)
    }

    @Test
    fun `zeros point nowhere`() {
        assertEquals(0.0, output.cosine(FloatArray(2)))
        assertContentEquals(FloatArray(2), (outputOf("embedding", listOf(2), 0f, 0f) as EmbeddingOutput).normalized())
    }

    @Test
    fun `a vector of another length is refused`() {
        val error = assertFailsWith<InputException> { output.cosine(FloatArray(3)) }
        assertEquals(ErrorCode.INPUT_SHAPE, error.code)
        assertEquals(mapOf("expected" to listOf(2), "found" to listOf(3)), error.fields)
    }
}
