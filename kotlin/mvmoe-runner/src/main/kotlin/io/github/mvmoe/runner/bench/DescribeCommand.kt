package io.github.mvmoe.runner.bench

import ai.onnxruntime.OrtEnvironment
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.runner.Command
import io.github.mvmoe.runner.bench.subjects.SUBJECT_KINDS

/** What this program is and can do, as the device `jvm` of `mvmoe bench` asks for it. */
internal class Description(
    val java: String,
    val engines: Map<String, EngineChoice>,
    val packages: Map<String, String>,
    val subjects: List<String>,
)

/** Says as one JSON object what this program is. */
internal object DescribeCommand : Command {
    override val name = "describe"
    override val usage = ""

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        println(PLAIN_DATA.writeValueAsString(describe()))
    }
}

private fun describe(): Description {
    val engine = OnnxEngine()
    val version = OrtEnvironment.getEnvironment().version
    return Description(
        java = "${System.getProperty("java.vm.name")} ${System.getProperty("java.version")}",
        engines = mapOf(engine.format to EngineChoice("ONNX Runtime $version, JVM", engine.provider.name)),
        packages = mapOf("onnxruntime" to version, "kotlin" to KotlinVersion.CURRENT.toString()),
        subjects = SUBJECT_KINDS.keys.toList(),
    )
}
