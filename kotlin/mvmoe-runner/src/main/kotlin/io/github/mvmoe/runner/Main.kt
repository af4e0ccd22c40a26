package io.github.mvmoe.runner

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.runner.bench.DescribeCommand
import io.github.mvmoe.runner.bench.OrderCommand
import io.github.mvmoe.runner.bench.OrderFileCommand
import io.github.mvmoe.runner.bench.OwnRunCommand
import java.io.IOException
import kotlin.system.exitProcess

/** What the program does when its first word is the command's name; the other words are the command's. */
internal interface Command {
    val name: String

    /** Its other words, for a message: `BUNDLE --answers N`. */
    val usage: String

    /** @param startedNs when the program began, by `System.nanoTime`. */
    fun run(
        words: List<String>,
        startedNs: Long,
    )
}

private val commands: List<Command> =
    listOf(
        AnswersCommand,
        SoakCommand,
        PreprocessCommand,
        DescribeCommand,
        OrderCommand,
        OrderFileCommand,
        OwnRunCommand,
    )

fun main(words: Array<String>) {
    val startedNs = System.nanoTime()
    val command = commands.find { it.name == words.firstOrNull() }
    if (command == null) {
        System.err.println("give one of: ${commands.joinToString("; ") { "${it.name} ${it.usage}".trim() }}")
        exitProcess(USAGE)
    }
    try {
        command.run(words.drop(1), startedNs)
        if (System.out.checkError()) throw IOException("the standard output took no more lines")
    } catch (error: MvmoeException) {
        System.err.println(JSON.writeValueAsString(mapOf("error" to described(error))))
        exitProcess(USAGE)
    } catch (error: UsageException) {
        System.err.println("${error.message}; expected ${command.name} ${command.usage}")
        exitProcess(USAGE)
    } catch (error: IOException) {
        System.err.println("${command.name}: ${error.message}")
        exitProcess(FAILED)
    }
}

private fun described(error: MvmoeException) = mapOf("code" to error.code.id, "message" to error.message, "fields" to error.fields)

private const val USAGE = 2
private const val FAILED = 1
