package io.github.mvmoe.preprocessing

import io.github.mvmoe.ImageException
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.members
import io.github.mvmoe.testing.text
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.security.MessageDigest
import java.util.Base64
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** `tests/conformance/preprocessing`: equality is exact everywhere. */
class PreprocessingConformanceTest {
    @Test
    fun `bytes are made by the formula`() {
        assertContentEquals(bytes(82, 52, 206, 54, 29, 134, 57, 219, 95, 202, 165, 102), PreprocessingSuite.madeBytes(1, 1, 12))
        assertContentEquals(bytes(226, 226, 226, 226, 226, 141, 141, 141, 141, 141, 106, 106), PreprocessingSuite.madeBytes(7, 5, 12))
    }

    @Test
    fun `no file and no case is left out`() {
        val counts =
            (
                PIXEL_FILES +
                    listOf(
                        "geometry",
                        "normalizing",
                        "boxes",
                        "refused",
                    )
            ).associateWith { PreprocessingSuite.cases(it).size }
        assertTrue(
            counts.getValue("resizing") >= 200 && counts.getValue("buffers") >= 40 && counts.values.all { it > 0 },
            counts.toString(),
        )
    }

    @TestFactory
    fun `levels are those of the cases, byte by byte`(): List<DynamicTest> =
        PIXEL_FILES.flatMap { file ->
            PreprocessingSuite.cases(file).map { case -> DynamicTest.dynamicTest(PreprocessingSuite.nameOf(case)) { checkLevels(case) } }
        }

    @Test
    fun `the input lies where the cases say`() {
        for (case in PreprocessingSuite.cases("geometry")) {
            val input = PreprocessingSuite.inputOf(case)
            for (row in case["transforms"].items().map(PreprocessingSuite::transformOf)) {
                assertEquals(row, Placement.of(row[0], row[1], input).numbers(), PreprocessingSuite.nameOf(case))
            }
        }
    }

    @Test
    fun `each level becomes the number of the cases, bit by bit`() {
        for (case in PreprocessingSuite.cases("normalizing")) {
            val input = PreprocessingSuite.inputOf(case)
            val found = ByteBuffer.allocate(4 * 256 * input.shape[0]).order(ByteOrder.LITTLE_ENDIAN)
            for (channel in 0 until input.shape[0]) Normalization(input).of(channel).forEach(found::putFloat)
            assertContentEquals(Base64.getDecoder().decode(case["expected"].text()), found.array(), PreprocessingSuite.nameOf(case))
        }
    }

    @Test
    fun `boxes are where the cases say, bit by bit`() {
        for (case in PreprocessingSuite.cases("boxes")) {
            val (w, h, wide, tall, left, top) = Six(PreprocessingSuite.transformOf(case["transform"]))
            val transform = InputTransform(w, h, wide, tall, left, top, inputWidth = 1, inputHeight = 1)
            val boxes = case["boxes"].items().map { fromBits(it.text()) }.chunked(4) { (a, b, c, d) -> Box(a, b, c, d) }
            for ((field, isCut) in listOf("cut" to true, "not_cut" to false)) {
                val found =
                    boxes
                        .map {
                            transform.toImage(
                                it,
                                isCut,
                            )
                        }.flatMap { listOf(it.left, it.top, it.right, it.bottom) }
                        .map(::toBits)
                assertEquals(case[field].items().map { it.text() }, found, "${PreprocessingSuite.nameOf(case)}, $field")
            }
        }
    }

    @Test
    fun `buffers are refused with the codes of the cases`() {
        for (case in PreprocessingSuite.cases("refused")) {
            val code = case["code"].takeIf { it != JsonNull }?.text()
            assertEquals(code, codeOf(case["buffer"]), PreprocessingSuite.nameOf(case))
        }
    }

    private fun checkLevels(case: JsonValue) {
        val input = PreprocessingSuite.inputOf(case)
        val buffer = checkNotNull(PreprocessingSuite.bufferOf(case["buffer"]))
        val levels = ByteArray(input.shape.fold(1, Int::times))
        val transform = Preprocessor(input).levels(buffer, levels)
        val expected = case["expected"]
        assertEquals(PreprocessingSuite.transformOf(expected["transform"]), transform.numbers())
        expected.members()["base64"]?.let { assertContentEquals(Base64.getDecoder().decode(it.text()), levels) }
        val hash = MessageDigest.getInstance("SHA-256").digest(levels).joinToString("") { "%02x".format(it) }
        assertEquals(expected["sha256"].text(), hash)
        checkInput(input.shape[0], Preprocessor(input), buffer, levels, Normalization(input))
    }

    /** The input is the same levels, normalized. */
    private fun checkInput(
        channels: Int,
        preprocessor: Preprocessor,
        buffer: PixelBuffer,
        levels: ByteArray,
        normalization: Normalization,
    ) {
        val input = FloatBuffer.allocate(levels.size)
        preprocessor.prepare(buffer, input)
        val size = levels.size / channels
        for (place in levels.indices) {
            assertEquals(normalization.of(place / size)[levels[place].toInt() and 0xFF], input.get(place))
        }
    }

    private fun codeOf(buffer: JsonValue): String? {
        // What the types do not have nobody can give: the compiler refuses it.
        val read = PreprocessingSuite.bufferOf(buffer) ?: return "image.buffer-format"
        return try {
            BufferCheck.require(read)
            null
        } catch (refused: ImageException) {
            refused.code.id
        }
    }

    private class Six(
        private val numbers: List<Int>,
    ) {
        operator fun component1() = numbers[0]

        operator fun component2() = numbers[1]

        operator fun component3() = numbers[2]

        operator fun component4() = numbers[3]

        operator fun component5() = numbers[4]

        operator fun component6() = numbers[5]
    }

    private companion object {
        val PIXEL_FILES = listOf("resizing", "buffers", "orientations", "large")

        fun bytes(vararg numbers: Int) = ByteArray(numbers.size) { numbers[it].toByte() }

        fun fromBits(text: String): Double = Double.fromBits(java.lang.Long.parseUnsignedLong(text, 16))

        fun toBits(number: Double): String = "%016x".format(number.toRawBits())
    }
}
