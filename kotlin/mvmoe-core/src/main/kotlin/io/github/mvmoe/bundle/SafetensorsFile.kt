package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.json.Field
import io.github.mvmoe.json.JsonPath
import io.github.mvmoe.json.StrictJson
import io.github.mvmoe.json.TextForm
import java.io.Closeable
import java.io.File
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A [safetensors](https://github.com/huggingface/safetensors) file: 8 bytes with the length of a JSON header, the header, and
 * the tensors without a gap. It owns the open file.
 */
internal class SafetensorsFile private constructor(
    private val opened: RandomAccessFile,
    private val root: File,
    private val path: String,
    private val start: Long,
    private val places: Map<String, Place>,
) : Closeable {
    /** The types and shapes of the tensors by name. */
    val types: Map<String, Type> get() = places.mapValues { it.value.type }

    /** The bytes of one of the [rows] of a tensor that is there. */
    fun row(
        name: String,
        index: Int,
        rows: Int,
    ): ByteArray {
        val place = places.getValue(name)
        val bytes = ByteArray((place.type.bytes / rows).toInt())
        readingFile(root, path) { readFully(start + place.from + index.toLong() * bytes.size, bytes) }
        return bytes
    }

    @Synchronized
    private fun readFully(
        from: Long,
        into: ByteArray,
    ) {
        opened.seek(from)
        opened.readFully(into)
    }

    override fun close(): Unit = opened.close()

    /** A tensor's type, the bytes of one of its numbers, and its shape. */
    class Type(
        private val dtype: String,
        private val size: Int,
        val shape: List<Int>,
    ) {
        /** Saturated, as a header may claim anything. */
        val bytes: Long get() = saturatedProduct(elementsOf(shape), size.toLong())

        override fun equals(other: Any?): Boolean = other is Type && dtype == other.dtype && shape == other.shape

        override fun hashCode(): Int = 31 * dtype.hashCode() + shape.hashCode()

        override fun toString(): String = "$dtype ${brief(shape)}"
    }

    /** Where a tensor is, from the end of the header on. */
    private class Place(
        val type: Type,
        val from: Long,
        val until: Long,
    )

    companion object {
        private const val MOST_HEADER_BYTES = 1L shl 20
        private const val LENGTH_BYTES = 8
        private const val METADATA = "__metadata__"
        private val ANY_NAME = TextForm("a text", 0..Int.MAX_VALUE) { true }

        /** Bytes of one number of each type that there is; golden vectors have two of them. */
        private val SIZES =
            mapOf(
                "BOOL" to 1,
                "U8" to 1,
                "I8" to 1,
                "F8_E5M2" to 1,
                "F8_E4M3" to 1,
                "I16" to 2,
                "U16" to 2,
                "F16" to 2,
                "BF16" to 2,
                "I32" to 4,
                "U32" to 4,
                "F32" to 4,
                "F64" to 8,
                "I64" to 8,
                "U64" to 8,
            )

        /**
         * The file of golden vectors whose content was checked.
         *
         * @throws BundleException with the code `bundle.golden-invalid` for anything but a whole and sound file.
         */
        fun read(
            opened: RandomAccessFile,
            record: FileRecord,
            root: File,
        ): SafetensorsFile {
            val length = readHeaderLength(opened, record, root)
            val header = ByteArray(length.toInt())
            readingFile(root, record.path) { opened.readFully(header) }
            try {
                val places = parse(header)
                requireWithoutGaps(places.values, record.bytes - LENGTH_BYTES - length)
                return SafetensorsFile(opened, root, record.path, LENGTH_BYTES + length, places)
            } catch (error: BundleException) {
                throw damaged(root, "their header is wrong: ${error.message}", error)
            }
        }

        private fun readHeaderLength(
            opened: RandomAccessFile,
            record: FileRecord,
            root: File,
        ): Long {
            val bytes = ByteArray(LENGTH_BYTES)
            readingFile(root, record.path) {
                opened.seek(0)
                if (record.bytes >= LENGTH_BYTES) opened.readFully(bytes)
            }
            val length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0)
            // Above 2^63 it is below zero here.
            if (record.bytes < LENGTH_BYTES || length < 0 || length > minOf(MOST_HEADER_BYTES, record.bytes - LENGTH_BYTES)) {
                throw damaged(
                    root,
                    "their header would have $length bytes of the file's ${record.bytes}; at most $MOST_HEADER_BYTES are read",
                )
            }
            return length
        }

        private fun parse(header: ByteArray): Map<String, Place> {
            val root = Field(StrictJson.parse(header), JsonPath("$"))
            val places = LinkedHashMap<String, Place>()
            root.named(ANY_NAME) { name, field -> if (name != METADATA) places[name] = readPlace(field) }
            return places
        }

        private fun readPlace(field: Field): Place =
            field.record { fields ->
                val dtype = fields.oneOf("dtype", SIZES.keys)
                val shape = fields.list("shape") { it.int(0..Int.MAX_VALUE) }
                val offsets = fields.list("data_offsets", 2..2) { it.long(0..Long.MAX_VALUE) }
                Place(Type(dtype, SIZES.getValue(dtype), shape), offsets[0], offsets[1])
            }

        /** Every tensor begins where the one before it ends, has the bytes of its shape, and the last ends with the file. */
        private fun requireWithoutGaps(
            places: Collection<Place>,
            bytes: Long,
        ) {
            var end = 0L
            for (place in places.sortedWith(compareBy({ it.from }, { it.until }))) {
                val isHere = place.from == end && place.until >= end && place.until - end == place.type.bytes
                if (!isHere) throw inconsistent("a tensor ${place.type} is at ${place.from} to ${place.until}, where $end is expected")
                end = place.until
            }
            if (end != bytes) throw inconsistent("tensors end at $end of $bytes bytes")
        }

        private fun damaged(
            root: File,
            reason: String,
            cause: Throwable? = null,
        ) = BundleException(
            ErrorCode.BUNDLE_GOLDEN_INVALID,
            "the golden vectors of bundle $root are damaged: $reason; export the bundle again",
            cause = cause,
        )
    }
}
