package io.github.mvmoe.runner.bench

import io.github.mvmoe.bench.OwnRun
import io.github.mvmoe.bench.OwnRunSettings
import io.github.mvmoe.bench.OwnSubject
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.runner.Command
import io.github.mvmoe.runner.UsageException
import io.github.mvmoe.runner.Words
import java.io.File
import kotlin.concurrent.thread

/** Measures a bundle with a run of its own, as an app does without a computer beside it. */
internal object OwnRunCommand : Command {
    override val name = "own-run"
    override val usage = "BUNDLE --output FILE [--threads N] [--repeats N] [--rounds N] [--memory yes] [--sustained SECONDS]"

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        val given = Words(words, setOf("output", "threads", "repeats", "rounds", "memory", "sustained"))
        val bundle = File(given.plain.singleOrNull() ?: throw UsageException("${given.plain.size} paths were given"))
        val output = given.text("output") ?: throw UsageException("no output was given")
        val device = describe()
        val subjects = OwnSubject.allOf(Bundle.open(bundle), device)
        val run = OwnRun(bundle, subjects, device, JvmMachine, JvmEngines, settings(given))
        Runtime.getRuntime().addShutdownHook(thread(start = false) { run.cancel() })
        ResultsStream(File(output)).use(run::run)
    }

    private fun settings(given: Words): OwnRunSettings {
        val usual = OwnRunSettings()
        return OwnRunSettings(
            threads = given.number("threads") ?: usual.threads,
            repeats = given.number("repeats") ?: usual.repeats,
            rounds = given.number("rounds") ?: usual.rounds,
            memory = given.text("memory") == "yes",
            sustainedSeconds = given.number("sustained")?.toDouble() ?: 0.0,
        )
    }
}
