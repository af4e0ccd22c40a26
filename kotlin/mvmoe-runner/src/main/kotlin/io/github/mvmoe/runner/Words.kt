package io.github.mvmoe.runner

/** Words of the command line that a command does not know. */
internal class UsageException(
    message: String,
) : Exception(message)

/** The words of a command: plain ones in order, and `--name VALUE` for the options that it [knows]. */
internal class Words(
    words: List<String>,
    private val knows: Set<String>,
) {
    private val options = HashMap<String, String>()

    val plain: List<String>

    init {
        val found = ArrayList<String>()
        val left = ArrayDeque(words)
        while (left.isNotEmpty()) {
            val word = left.removeFirst()
            if (word.startsWith("--")) take(word.drop(2), left.removeFirstOrNull()) else found += word
        }
        plain = found
    }

    fun text(name: String): String? = options[name].also { check(name in knows) }

    /** A whole number above 0; null where it was not given. */
    fun number(name: String): Int? =
        text(name)?.let {
            it.toIntOrNull()?.takeIf { number -> number > 0 }
                ?: throw UsageException("--$name $it was given, which is no whole number above 0")
        }

    private fun take(
        name: String,
        value: String?,
    ) {
        if (name !in knows) throw UsageException("--$name was given, which is unknown")
        options[name] = value ?: throw UsageException("--$name was given without a value")
    }
}
