package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class KindsCheckTest {
    @Test
    fun `all tensors of an output have one shape, each of which would fit the kind`() {
        val manifest = plainManifest("finishing")
        manifest["outputs"].asItems().forEach { it.asPlain()["labels"] = null }
        manifestOf(manifest)
        for (target in manifest["targets"].asPlain().values) target.asPlain().widen()
        val error = assertFailsWith<BundleException> { manifestOf(manifest) }
        assertEquals("bundle.output-shape", error.code.id)
        assertEquals("the tensors of the output answer have different shapes", error.message)
    }

    /** Gives the answer of the last stage one class more, in every graph that gives it. */
    private fun Plain.widen() {
        val graphs = this["graphs"].asItems().map { it.asPlain() }.filter { it["stage"].toString() == "2" }
        for (output in graphs.flatMap { it["outputs"].asItems() }.map { it.asPlain() }.filter { it["name"] == "answer" }) {
            output["shape"] = listOf(1, 1 + output["shape"].asItems()[1].toString().toInt())
        }
    }
}
