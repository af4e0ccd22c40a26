package io.github.mvmoe.runner.bench

import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtProvider
import io.github.mvmoe.bench.DeviceDescription
import io.github.mvmoe.bench.EngineVariant
import java.lang.management.ManagementFactory

/** What this program is and can do. */
internal fun describe(): DeviceDescription {
    val version = OrtEnvironment.getEnvironment().version
    return DeviceDescription(
        device = "jvm",
        java = "${System.getProperty("java.vm.name")} ${System.getProperty("java.version")}",
        abi = System.getProperty("os.arch"),
        variants = variants("ONNX Runtime $version, JVM"),
        packages = mapOf("onnxruntime" to version, "kotlin" to KotlinVersion.CURRENT.toString()),
        identity =
            linkedMapOf(
                "cores_logical" to Runtime.getRuntime().availableProcessors(),
                "memory_bytes" to memoryBytes(),
                "os" to "${System.getProperty("os.name")} ${System.getProperty("os.version")}",
            ),
    )
}

private fun variants(engine: String): List<EngineVariant> {
    val usual = EngineVariant("onnx", engine, "CPU")
    val xnnpack = EngineVariant("onnx", engine, "XNNPACK", mapOf("provider" to "xnnpack"), "XNNPACK")
    return listOfNotNull(usual, xnnpack.takeIf { OrtProvider.XNNPACK in OrtEnvironment.getAvailableProviders() })
}

private fun memoryBytes(): Long? =
    (ManagementFactory.getOperatingSystemMXBean() as? com.sun.management.OperatingSystemMXBean)?.totalPhysicalMemorySize
