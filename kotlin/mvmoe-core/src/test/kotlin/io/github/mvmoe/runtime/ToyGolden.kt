package io.github.mvmoe.runtime

import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The golden vectors of a [ToyModel] for some images that take the two best experts at every stage. */
internal class ToyGolden(
    private val model: ToyModel,
    private val images: List<FloatArray>,
) {
    private val header = LinkedHashMap<String, Any>()
    private val data = ByteArrayOutputStream()

    fun write(file: File): File {
        val stages = model.experts.indices
        val routes = images.map { image -> stages.map { ToyEngine.top(model.logits(image, it)) } }
        val gates = images.map { image -> stages.map { softmax(model.logits(image, it)) } }
        put("image", listOf(1, 1, model.width), images.map { it.toList() })
        for (stage in stages) {
            val experts = listOf(model.experts[stage])
            val members = routes.map { row -> List(model.experts[stage]) { it in row[stage] } }
            if (ToyEngine.hasRouter(model.rules[stage])) put("logits.${stage + 1}", experts, images.map { model.logits(it, stage) })
            putMembers("members.${stage + 1}", experts, members)
            put(
                "gates.${stage + 1}",
                experts,
                members.zip(gates) { isIn, row -> isIn.indices.map { if (isIn[it]) row[stage][it] else 0f } },
            )
        }
        val answers =
            images.indices.map { image ->
                val taken = stages.map { stage -> routes[image][stage].map { gates[image][stage][it] }.toFloatArray() }
                listOf(model.answer(images[image].last(), routes[image], taken))
            }
        put("outputs.answer", listOf(1), answers)
        put("outputs.scores", listOf(3), images.map { listOf(it.last(), 2 * it.last(), -it.last()) })
        file.writeBytes(safetensors())
        return file
    }

    private fun safetensors(): ByteArray {
        val text = jsonText(header).toByteArray()
        val length =
            ByteBuffer
                .allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.size.toLong())
                .array()
        return length + text + data.toByteArray()
    }

    private fun put(
        name: String,
        shape: List<Int>,
        rows: List<List<Float>>,
    ) {
        val values = rows.flatten()
        val bytes = ByteBuffer.allocate(4 * values.size).order(ByteOrder.LITTLE_ENDIAN)
        values.forEach { bytes.putFloat(it) }
        put(name, "F32", shape, bytes.array())
    }

    private fun putMembers(
        name: String,
        shape: List<Int>,
        rows: List<List<Boolean>>,
    ) = put(name, "BOOL", shape, rows.flatten().map { (if (it) 1 else 0).toByte() }.toByteArray())

    private fun put(
        name: String,
        dtype: String,
        shape: List<Int>,
        bytes: ByteArray,
    ) {
        val offsets = listOf(data.size(), data.size() + bytes.size)
        header[name] = mapOf("dtype" to dtype, "shape" to listOf(images.size) + shape, "data_offsets" to offsets)
        data.write(bytes)
    }
}
