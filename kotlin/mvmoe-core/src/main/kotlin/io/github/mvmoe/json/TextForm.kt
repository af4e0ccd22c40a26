package io.github.mvmoe.json

/** Which texts a field may have: [lengths] in characters (code points), and which characters. */
internal class TextForm(
    private val words: String,
    private val lengths: IntRange,
    private val fits: (String) -> Boolean,
) {
    operator fun contains(text: String): Boolean =
        // The number of UTF-16 units bounds that of characters, and is there at once.
        text.length <= 2L * lengths.last && text.codePointCount(0, text.length) in lengths && fits(text)

    override fun toString(): String = words

    companion object {
        private const val LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        private const val SMALL = "abcdefghijklmnopqrstuvwxyz"
        private const val DIGITS = "0123456789"

        /** Free text without control characters. */
        val TEXT =
            TextForm("a text of at most 1000 characters without control characters", 0..1000) { text -> text.none(Char::isISOControl) }

        /** The name of a target, stage, graph, tensor, package, ... */
        val NAME =
            TextForm("a name: 1 to 200 characters of A-Z a-z 0-9 _ . - that begin with a letter, a digit or _", 1..200) {
                isOf(it, first = LETTERS + DIGITS + "_", all = LETTERS + DIGITS + "_.-")
            }

        /** The name of a strategy, precision or kind of output. */
        val PART =
            TextForm("a name: 1 to 64 characters of a-z 0-9 _ - that begin with a letter", 1..64) {
                isOf(it, first = SMALL, all = SMALL + DIGITS + "_-")
            }

        /** What a caller chooses. */
        val CHOICE =
            TextForm("a name: 1 to 64 characters of a-z 0-9 _ that begin with a letter", 1..64) {
                isOf(it, first = SMALL, all = SMALL + DIGITS + "_")
            }

        /** A path relative to the bundle; whether it leads out of it is asked later. */
        val PATH = TextForm("a path: 1 to 500 characters of A-Z a-z 0-9 _ . / -", 1..500) { isOf(it, all = LETTERS + DIGITS + "_./-") }

        val SHA256 = TextForm("64 hexadecimal digits in lower case", 64..64) { isOf(it, all = DIGITS + "abcdef") }

        private fun isOf(
            text: String,
            all: String,
            first: String = all,
        ): Boolean = text.isNotEmpty() && text[0] in first && text.all { it in all }
    }
}
