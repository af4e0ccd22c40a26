package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.JsonObject
import java.nio.FloatBuffer

/** The rules of this library as a reader of the conformance cases. */
internal class RuleReader : RoutingReader {
    override fun select(
        rule: JsonObject,
        logits: FloatArray,
    ): Answer = answered { ruleOf(rule).select(bufferOf(logits)) }

    override fun choose(
        rule: JsonObject,
        choices: Map<String, String>,
        logits: FloatArray,
    ): Answer = answered { Choices.selectors(listOf(ruleOf(rule)), choices).single().select(bufferOf(logits)) }

    override fun inTurn(
        rule: JsonObject,
        image: Int,
        logits: FloatArray,
    ): Answer = answered { Choices.selectorInTurn(ruleOf(rule), image).select(bufferOf(logits)) }

    override fun gates(
        rule: JsonObject,
        route: List<Int>,
        logits: FloatArray,
    ): List<Double> = refusing { ruleOf(rule).gates(Route.of(*route.toIntArray()), bufferOf(logits)).map { it.toDouble() } }

    private fun answered(select: () -> Selection): Answer =
        refusing { select().let { Answer(it.route, it.gates.map { gate -> gate.toDouble() }) } }

    private fun <T> refusing(work: () -> T): T =
        try {
            work()
        } catch (error: MvmoeException) {
            throw RefusedException(error.code.id)
        }
}

/** A rule of plain data. What no field of a manifest may have is one more reason why there is no such rule. */
internal fun ruleOf(data: JsonObject): Rule =
    try {
        val fields = Fields(data, "rule")
        Rules.read(fields).also { fields.end() }
    } catch (error: MvmoeException) {
        val code = if (error.code.id.startsWith("bundle.manifest-")) ErrorCode.ROUTING_RULE_INVALID else error.code
        throw MvmoeException(code, "${error.message}", error.fields, error)
    }

/** Logits in the middle of a buffer whose position is anywhere: only its places from 0 to its limit count. */
internal fun bufferOf(logits: FloatArray): FloatBuffer {
    val buffer = FloatBuffer.allocate(logits.size + 1).put(logits)
    buffer.limit(logits.size)
    return buffer
}
