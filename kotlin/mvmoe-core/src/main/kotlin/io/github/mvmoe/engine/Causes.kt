package io.github.mvmoe.engine

/** As far as a chain of causes is followed: it may be a circle. */
private const val MOST_CAUSES = 20

/** An error, what caused it, and so on. */
internal fun chain(error: Throwable): Sequence<Throwable> = generateSequence(error) { it.cause }.take(MOST_CAUSES)

/** What an error says, in one line. */
internal fun firstLine(error: Throwable): String =
    error.message
        .orEmpty()
        .trim()
        .lineSequence()
        .first()
        .ifEmpty { error.javaClass.simpleName }
