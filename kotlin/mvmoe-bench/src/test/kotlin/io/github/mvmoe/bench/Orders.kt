package io.github.mvmoe.bench

import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.StrictJson
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A small bundle with the strategy `dispatch`. */
internal val BUNDLE = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/dispatch").canonicalFile

/** An order as `mvmoe bench` writes it, every field included. */
internal fun orderText(
    images: String,
    kind: String = "latency",
    root: String = BUNDLE.path,
    keys: List<String> = listOf("dispatcher onnx"),
    sustained: Double = 0.0,
    paced: String = "",
    more: String = "",
): String {
    val queries = (0 until 4).joinToString { """{"image": ${it % 2}, "routes": null, "forced": false, "choices": {}}""" }
    val subjects =
        keys.joinToString { key ->
            """{"key": "$key", "kind": "dispatcher", "root": "$root", "manifest_sha256": null, "target": "onnx",
            "output_kinds": {"answer": "logits"}, "class_output": "answer", "engine_options": {}, "engine_modules": ["torch"],
            "program": "jvm", "requested": {"engine": "ONNX Runtime", "provider": "CPU"}, "threads": 1, "budget": null,
            "config": null, "weights": null, "plugins": false, "queries": [$queries]}"""
        }
    return """{"job": "$kind:0", "kind": "$kind", "one_subject": false, "repeat": 0,
        "preset": {"name": "quick", "repeats": 1, "queries": 4, "seconds": 0.0, "most_seconds": 20.0, "warmup": 1, "starts": 1,
        "stream": 0, "cooldown": 0.0, "sustained": $sustained$paced}, "images": "$images", "names": ["a", "ä"], "labels": [null, "3"],
        "reference": {}, "subjects": [$subjects], "started_ns": 12, "status": null$more}"""
}

/** Images of zeros, as NumPy writes them. */
internal fun images(
    folder: File,
    count: Int,
    shape: List<Int>,
): File {
    val sizes = (listOf(count) + shape).joinToString()
    val header = "{'descr': '<f4', 'fortran_order': False, 'shape': ($sizes), }\n".toByteArray()
    val bytes = ByteBuffer.allocate(10 + header.size + 4 * count * shape.fold(1, Int::times)).order(ByteOrder.LITTLE_ENDIAN)
    bytes
        .put(byteArrayOf(0x93.toByte()))
        .put("NUMPY".toByteArray())
        .put(byteArrayOf(1, 0))
        .putShort(header.size.toShort())
        .put(header)
    return File(folder, "images.npy").apply { writeBytes(bytes.array()) }
}

/** The fields of a JSON object: texts and numbers as they are written, null for null. */
internal fun plain(text: String): Map<String, String?> =
    (StrictJson.parse(text.toByteArray()) as JsonObject).members.mapValues { (_, value) ->
        when (value) {
            is JsonString -> value.text
            is JsonNumber -> value.text
            JsonNull -> null
            else -> value.javaClass.simpleName
        }
    }
