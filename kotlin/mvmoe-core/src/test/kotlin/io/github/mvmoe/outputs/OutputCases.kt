package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.preprocessing.InputTransform
import io.github.mvmoe.testing.floats
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.ints
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.resource
import io.github.mvmoe.testing.text
import kotlin.test.assertNotNull

/** What mvmoe_deploy makes of outputs: `outputs.json`, which `generate.py` beside it writes. */
internal object OutputCases {
    private val cases: JsonValue by lazy { resource("outputs/outputs.json") }

    fun named(name: String): List<JsonValue> = cases[name].items()

    /** The views of a kind, each with its output. */
    inline fun <reified T : Output> views(kind: String): List<Pair<JsonValue, T>> =
        named("views").filter { it["kind"].text() == kind }.map { it to outputOf(it) as T }

    fun outputOf(view: JsonValue): Output {
        val spec = OutputSpec("found", view["kind"].text(), listOf("step1.found"), view["labels"].items().map { it.text() })
        return kindOf(view).output(spec, view["shape"].ints(), view["values"].floats(), transformOf(view["transform"].ints()))
    }

    fun kindOf(case: JsonValue): OutputKind = assertNotNull(OutputKinds.find(case["kind"].text()))

    private fun transformOf(numbers: List<Int>): InputTransform {
        val (imageWidth, imageHeight, resizedWidth, resizedHeight, left) = numbers
        return InputTransform(imageWidth, imageHeight, resizedWidth, resizedHeight, left, numbers[5], numbers[6], numbers[7])
    }
}

/** An output of a test's own numbers. */
internal fun outputOf(
    kind: String,
    shape: List<Int>,
    vararg values: Float,
    labels: List<String>? = null,
    transform: InputTransform? = null,
): Output = assertNotNull(OutputKinds.find(kind)).output(OutputSpec("found", kind, listOf("step1.found"), labels), shape, values, transform)
