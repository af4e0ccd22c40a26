package io.github.mvmoe.bench.own

import io.github.mvmoe.bench.DeviceDescription
import io.github.mvmoe.bench.Line
import io.github.mvmoe.bench.OwnRunSettings
import io.github.mvmoe.bench.OwnSubject
import io.github.mvmoe.bundle.Bundle
import java.time.Instant
import java.time.temporal.ChronoUnit
import java.util.UUID

/** The first line of a results file: what was measured, on what, how. */
internal class RunLine(
    private val bundle: Bundle,
    private val inputs: GoldenInputs,
    private val device: DeviceDescription,
    private val subjects: List<OwnSubject>,
    private val settings: OwnRunSettings,
) : Line {
    private val name = nameOf(bundle)

    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "run",
            "schema" to "mvmoe-bench",
            "version" to 1,
            "id" to UUID.randomUUID().toString().replace("-", ""),
            "started" to Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
            "device" to device.device,
            "identity" to device.asIdentity(),
            "preset" to settings.preset(),
            "seed" to 0,
            "threads" to settings.threads,
            "inputs" to inputFields(),
            "bundles" to listOf(BundleRecord(name, bundle)),
            "subjects" to subjects.map(::subjectFields),
            "notes" to listOf(ONE_PROCESS),
        )

    private fun inputFields(): Map<String, Any?> =
        linkedMapOf(
            "source" to "golden vectors",
            "images" to inputs.images.count,
            "sha256" to inputs.sha256,
            "forced" to false,
            "distribution" to null,
            "order" to "name",
        )

    private fun subjectFields(subject: OwnSubject): Map<String, Any?> =
        linkedMapOf(
            "key" to subject.key,
            "name" to OwnSubject.KIND,
            "bundle" to name,
            "target" to subject.target,
            "requested" to subject.variant.requested,
            "threads" to settings.threads,
        )

    private companion object {
        const val ONE_PROCESS = "all repeats ran in one process, the device's own: they differ less than those of mvmoe bench"

        /** An app's copy lies in a folder that is called as the manifest's hash, below one that has the bundle's name. */
        fun nameOf(bundle: Bundle): String {
            val folder = if (bundle.root.name == bundle.manifestSha256) bundle.root.parentFile else bundle.root
            return folder
                ?.name
                .orEmpty()
                .removeSuffix(".mvmoe")
                .ifEmpty { "bundle" }
        }
    }
}

/** A job ran to its end. */
internal class Done(
    private val job: String,
) : Line {
    override fun fields(): Map<String, Any?> = linkedMapOf("kind" to "done", "job" to job, "load_average" to null)
}
