package io.github.mvmoe.runner.bench

import io.github.mvmoe.runner.Command
import io.github.mvmoe.runner.UsageException
import io.github.mvmoe.runner.Words
import java.io.File

/** Says as one JSON object what this program is, or writes it to the file `describe.json` of a folder, as an app does. */
internal object DescribeCommand : Command {
    override val name = "describe"
    override val usage = "[--folder DIR]"

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        val given = Words(words, setOf("folder"))
        if (given.plain.isNotEmpty()) throw UsageException("${given.plain.first()} was given")
        val folder = given.text("folder")
        if (folder == null) println(describe().toJson()) else orderFolder(File(folder)).describe(describe())
    }
}
