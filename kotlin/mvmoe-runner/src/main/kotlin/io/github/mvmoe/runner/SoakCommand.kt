package io.github.mvmoe.runner

import io.github.mvmoe.Residency
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.runner.soak.Look
import io.github.mvmoe.runner.soak.Soak
import java.io.File
import kotlin.system.exitProcess

/** Answers a bundle's golden images in turn for a long time, and says what the process holds meanwhile; exit code 1 for a leak. */
internal object SoakCommand : Command {
    override val name = "soak"
    override val usage = "BUNDLE [--answers N] [--every N] [--max-experts N] [--threads N]"

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        val given = Words(words, setOf("answers", "every", "max-experts", "threads"))
        val root = given.plain.singleOrNull() ?: throw UsageException("${given.plain.size} paths were given")
        val answers = given.number("answers") ?: ANSWERS
        val engine = OnnxEngine(given.number("threads") ?: 1)
        val soak = Soak(engine, engine, Residency(maxExperts = given.number("max-experts") ?: 1))
        val leaks = soak.run(File(root), answers, given.number("every") ?: maxOf(answers / LOOKS, 1)) { print(it) }
        println(JSON.writeValueAsString(mapOf("leaks" to leaks)))
        if (leaks.isNotEmpty()) exitProcess(LEAKS)
    }

    private fun print(look: Look) {
        println(JSON.writeValueAsString(look))
    }

    private const val ANSWERS = 100_000
    private const val LOOKS = 20
    private const val LEAKS = 1
}
