package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.json.quoted
import io.github.mvmoe.json.shortened
import io.github.mvmoe.routing.Choices
import io.github.mvmoe.routing.Route
import java.io.Closeable
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The golden vectors of a bundle: inputs, and what PyTorch makes of them (`docs/bundle.md`, *Golden vectors*).
 *
 * The file was checked as a whole; rows are read when they are asked for, from the file that was checked. Images count from 0,
 * routed stages from 1. All of a stage that an image does not reach, because it was finished before, is 0.
 */
internal class GoldenVectors private constructor(
    private val manifest: Manifest,
    private val file: SafetensorsFile,
) : Closeable {
    /** The number of images. */
    val images: Int = manifest.golden.images

    /** An input `[C, H, W]`, preprocessed already. */
    fun image(image: Int): FloatArray = floats("image", image)

    /** The logits `[E]` of a stage's router; empty where there is none. */
    fun logits(
        stage: Int,
        image: Int,
    ): FloatArray = if (hasRouter(stage)) floats("logits.$stage", image) else FloatArray(0)

    /** The route of an image; null at a stage that it does not reach. */
    fun members(
        stage: Int,
        image: Int,
    ): Route? {
        val members = rowOf("members.$stage", image)
        val route = members.indices.filter { members[it] != 0.toByte() }
        return if (route.isEmpty()) null else Route.of(*route.toIntArray())
    }

    /** The gates `[E]` of a stage's experts: 0 for those that are not on the route. */
    fun gates(
        stage: Int,
        image: Int,
    ): FloatArray = floats("gates.$stage", image)

    /** An output of the model, in its shape. */
    fun output(
        name: String,
        image: Int,
    ): FloatArray = floats("outputs.$name", image)

    override fun close(): Unit = file.close()

    private fun hasRouter(stage: Int) = Choices.routerOf(manifest.rules[stage - 1]) != null

    private fun floats(
        name: String,
        image: Int,
    ): FloatArray {
        val row = ByteBuffer.wrap(rowOf(name, image)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(row.remaining()).also { row.get(it) }
    }

    private fun rowOf(
        name: String,
        image: Int,
    ): ByteArray = file.row(name, image, images)

    companion object {
        /** What names and offsets may take beside the tensors. */
        private const val HEADER_BYTES = 1L shl 20

        /**
         * The golden vectors of a manifest that was checked.
         *
         * @throws BundleException where the file is missing or altered, and with `bundle.golden-invalid` where it holds other
         * vectors than the manifest makes.
         */
        fun open(
            root: File,
            manifest: Manifest,
        ): GoldenVectors {
            val record = manifest.golden.file
            val expected = expectedVectors(manifest)
            val most = HEADER_BYTES + expected.values.sumOf { it.bytes }
            if (record.bytes > most) throw tooLong(root, record, most)
            val opened = CheckedFile.open(root, record).opened
            try {
                val file = SafetensorsFile.read(opened, record, root)
                requireVectors(file, expected, root)
                return GoldenVectors(manifest, file)
            } catch (error: Throwable) {
                opened.close()
                throw error
            }
        }

        private fun tooLong(
            root: File,
            record: FileRecord,
            most: Long,
        ) = wrongFile(
            ErrorCode.BUNDLE_SIZE_MISMATCH,
            record.path,
            "${record.path} of bundle $root has ${record.bytes} bytes where at most $most make sense",
            "expected" to most,
            "found" to record.bytes,
        )

        /** Type and shape of every vector by name. */
        private fun expectedVectors(manifest: Manifest): Map<String, SafetensorsFile.Type> {
            val images = manifest.golden.images
            val shapes = OutputShapes.of(manifest)
            val vectors = linkedMapOf("image" to floatsOf(listOf(images) + manifest.input.shape))
            manifest.rules.forEachIndexed { index, rule ->
                val shape = listOf(images, rule.experts)
                if (Choices.routerOf(rule) != null) vectors["logits.${index + 1}"] = floatsOf(shape)
                vectors["members.${index + 1}"] = SafetensorsFile.Type("BOOL", 1, shape)
                vectors["gates.${index + 1}"] = floatsOf(shape)
            }
            for (output in manifest.outputs) vectors["outputs.${output.name}"] = floatsOf(listOf(images) + shapes.of(output))
            return vectors
        }

        private fun floatsOf(shape: List<Int>) = SafetensorsFile.Type("F32", 4, shape)

        private fun requireVectors(
            file: SafetensorsFile,
            expected: Map<String, SafetensorsFile.Type>,
            root: File,
        ) {
            val found = file.types
            val unknown = (found.keys - expected.keys).minOrNull()
            if (unknown != null) throw wrongVector(root, unknown, "is unknown; expected ${brief(expected.keys)}")
            for ((name, type) in expected) {
                val given = found[name] ?: throw wrongVector(root, name, "is missing")
                if (given != type) throw wrongVector(root, name, "is $given instead of $type")
            }
        }

        private fun wrongVector(
            root: File,
            name: String,
            reason: String,
        ) = BundleException(
            ErrorCode.BUNDLE_GOLDEN_INVALID,
            "the golden vectors of bundle $root are wrong: ${quoted(name)} $reason; export the bundle again",
            mapOf("vector" to shortened(name)),
        )
    }
}
