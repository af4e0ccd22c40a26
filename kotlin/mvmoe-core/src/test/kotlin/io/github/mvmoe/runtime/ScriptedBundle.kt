package io.github.mvmoe.runtime

import java.io.File
import java.security.MessageDigest

/** Writes the manifest of the bundle of a script, whose files its engine has written. */
internal fun writeScriptedBundle(
    script: Script,
    engine: ScriptedEngine,
) {
    File(engine.folder, "manifest.json").writeText(jsonText(manifest(script, engine)))
}

private fun manifest(
    script: Script,
    engine: ScriptedEngine,
): Map<String, Any?> {
    val counts = script.stages.map { it.size }
    val last = counts.size
    val steps = listOf(STEM) + (1..last).map { "step$it" }
    return mapOf(
        "format" to "mvmoe-bundle",
        "version" to 2,
        "model" to mapOf("family" to "fake", "name" to "fake", "params_total" to 1, "params_active" to 1, "macs" to 1),
        "source" to mapOf("checkpoint_sha256" to null, "packages" to emptyMap<String, Any?>()),
        "input" to
            mapOf(
                "height" to 1,
                "width" to counts.sum(),
                "channel_order" to "L",
                "resize" to "squash",
                "interpolation" to "nearest",
                "mean" to listOf(0.0),
                "std" to listOf(1.0),
            ),
        "stages" to stages(counts, steps),
        "outputs" to listOf(mapOf("name" to "answer", "kind" to "tensor", "tensors" to listOf("${steps[last]}.numbers"))),
        "targets" to mapOf("fake" to target(script, engine)),
        "usage_prior" to usagePrior(script),
        "golden" to mapOf("images" to 1, "file" to mapOf("path" to "golden", "bytes" to 1, "sha256" to "0".repeat(64))),
    )
}

private fun stages(
    counts: List<Int>,
    steps: List<String>,
): List<Map<String, Any?>> {
    val stem =
        mapOf(
            "name" to STEM,
            "rule" to null,
            "router" to null,
            "takes" to mapOf("image" to "image"),
            "gives" to counts.indices.associate { "logits$it" to "stem.logits$it" } + ("numbers" to "stem.numbers"),
        )
    val routed =
        counts.mapIndexed { stage, count ->
            mapOf(
                "name" to steps[stage + 1],
                "rule" to mapOf("type" to "top_k", "experts" to count, "k" to 1),
                "router" to "stem.logits$stage",
                "takes" to mapOf("numbers" to "${steps[stage]}.numbers"),
                "gives" to mapOf(outputName(stage, counts.size) to "${steps[stage + 1]}.numbers"),
            )
        }
    return listOf(stem) + routed
}

private fun outputName(
    stage: Int,
    stages: Int,
) = if (stage == stages - 1) "answer" else "next_numbers"

private fun target(
    script: Script,
    engine: ScriptedEngine,
): Map<String, Any?> {
    val counts = script.stages.map { it.size }
    val logits = counts.mapIndexed { stage, count -> tensor("logits$stage", 1, count) }
    val numbers = tensor("numbers", 1, counts.size)
    val stem = graph(engine, STEM, 1000, 0, null, listOf(tensor("image", 1, 1, 1, counts.sum())), logits + numbers)
    val routed =
        script.stages.flatMapIndexed { stage, graphs ->
            val answer = tensor(outputName(stage, counts.size), 1, counts.size)
            graphs.mapIndexed { expert, graph ->
                graph(engine, graph.name, graph.bytes, stage + 1, listOf(expert), listOf(numbers, tensor("gates", 1, 1)), listOf(answer))
            }
        }
    val names = listOf(STEM) + script.stages.flatten().map { it.name }
    return mapOf(
        "format" to "fake",
        "strategy" to "dispatch",
        "precision" to "fp32",
        "batch" to 1,
        "graphs" to listOf(stem) + routed,
        "weights" to null,
        "files" to names.map { fileRecord(engine.file(it)) },
        "parity" to null,
    )
}

private fun graph(
    engine: ScriptedEngine,
    name: String,
    bytes: Long,
    stage: Int,
    route: List<Int>?,
    inputs: List<Any>,
    outputs: List<Any>,
) = mapOf(
    "name" to name,
    "stage" to stage,
    "route" to route,
    "file" to engine.file(name).name,
    "weight_bytes" to bytes,
    "exclusive_bytes" to 0,
    "inputs" to inputs,
    "outputs" to outputs,
)

/** A tensor of fp32 as a manifest has it. */
internal fun tensor(
    name: String,
    vararg shape: Int,
): Map<String, Any?> = mapOf("name" to name, "shape" to shape.toList(), "dtype" to "float32")

/** A file of a bundle as a manifest has it. */
internal fun fileRecord(
    file: File,
    path: String = file.name,
): Map<String, Any?> = mapOf("path" to path, "bytes" to file.length(), "sha256" to sha256(file.readBytes()))

internal fun sha256(bytes: ByteArray): String = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

private fun usagePrior(script: Script): Any? {
    if (script.stages.any { graphs -> graphs.all { it.share == 0.0 } }) return null
    return script.stages.map { graphs ->
        graphs.mapIndexed { expert, graph -> mapOf("route" to listOf(expert), "share" to graph.share) }
    }
}
