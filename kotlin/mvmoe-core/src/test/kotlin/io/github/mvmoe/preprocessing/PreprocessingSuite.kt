package io.github.mvmoe.preprocessing

import io.github.mvmoe.bundle.InputSpec
import io.github.mvmoe.bundle.readInput
import io.github.mvmoe.json.Field
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonPath
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.testing.conformanceFile
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.int
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.members
import io.github.mvmoe.testing.text
import java.nio.ByteBuffer
import java.util.Base64

/** The cases of `tests/conformance/preprocessing` as this library's types. */
internal object PreprocessingSuite {
    fun cases(name: String): List<JsonValue> = conformanceFile("preprocessing/cases/$name.json")["cases"].items()

    fun nameOf(case: JsonValue): String = case["name"].text()

    fun inputOf(case: JsonValue): InputSpec = Field(case["input"], JsonPath("input")).record(::readInput)

    fun transformOf(value: JsonValue): List<Int> = value.items().map { it.int() }

    /** A buffer; null where its format, matrix or range is none that the types have, which no caller can give. */
    fun bufferOf(value: JsonValue): PixelBuffer? {
        val fields = value.members()

        fun <T : Any> named(
            field: String,
            known: Map<String, T>,
        ): T? = fields[field]?.takeIf { it != JsonNull }?.let { known[it.text()] ?: return@named null }
        val format = named("format", FORMATS) ?: return null
        for ((field, known) in listOf("matrix" to MATRICES, "value_range" to RANGES)) {
            val given = fields[field] ?: continue
            if (given != JsonNull && given.text() !in known) return null
        }
        return PixelBuffer(
            format,
            value["width"].int(),
            value["height"].int(),
            value["planes"].items().map(::planeOf),
            fields["orientation"]?.int() ?: 1,
            named("matrix", MATRICES),
            named("value_range", RANGES),
        )
    }

    private fun planeOf(value: JsonValue): Plane {
        val fields = value.members()
        val bytes =
            fields["base64"]?.let { Base64.getDecoder().decode(it.text()) }
                ?: madeBytes(value["seed"].int(), value["run"].int(), value["length"].int())
        return Plane(ByteBuffer.wrap(bytes), value["row_stride"].int(), value["pixel_stride"].int())
    }

    /** The bytes of the formula in the suite's README. */
    fun madeBytes(
        seed: Int,
        run: Int,
        length: Int,
    ): ByteArray =
        ByteArray(length) { index ->
            var x = index / run + seed * 0x9E3779B9L.toInt()
            x = (x xor (x ushr 16)) * 0x7FEB352D
            x = (x xor (x ushr 15)) * 0x846CA68BL.toInt()
            (x xor (x ushr 16)).toByte()
        }

    private val FORMATS = PixelFormat.entries.associateBy { it.name }
    private val MATRICES = YuvMatrix.entries.associateBy { it.name.lowercase() }
    private val RANGES = ValueRange.entries.associateBy { it.name.lowercase() }
}

/** `[w, h, w', h', left, top]`, as the cases have it. */
internal fun InputTransform.numbers(): List<Int> = listOf(imageWidth, imageHeight, resizedWidth, resizedHeight, left, top)
