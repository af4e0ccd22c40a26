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
        private const val SMALL = "abcdefghijklmnopqrstuvwxyz"
        private const val DIGITS = "0123456789"
        private const val LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ$SMALL"

        /** Free text without control characters. */
        val TEXT =
            TextForm("a text of at most 1000 characters without control characters", 0..1000) { text -> text.none(Char::isISOControl) }

        /** The name of a target, stage, graph, tensor, package, ... */
        val NAME =
            of(
                "a name: 1 to 200 characters of A-Z a-z 0-9 _ . - that begin with a letter, a digit or _",
                1..200,
                first = "${LETTERS}${DIGITS}_",
                all = "${LETTERS}${DIGITS}_.-",
            )

        /** The name of a strategy, precision or kind of output. */
        val PART =
            of("a name: 1 to 64 characters of a-z 0-9 _ - that begin with a letter", 1..64, first = SMALL, all = "${SMALL}${DIGITS}_-")

        /** What a caller chooses. */
        val CHOICE =
            of("a name: 1 to 64 characters of a-z 0-9 _ that begin with a letter", 1..64, first = SMALL, all = "${SMALL}${DIGITS}_")

        /** A path relative to the bundle; whether it leads out of it is asked later. */
        val PATH = of("a path: 1 to 500 characters of A-Z a-z 0-9 _ . / -", 1..500, all = "${LETTERS}${DIGITS}_./-")

        val SHA256 = of("64 hexadecimal digits in lower case", 64..64, all = "${DIGITS}abcdef")

        private fun of(
            words: String,
            lengths: IntRange,
            all: String,
            first: String = all,
        ): TextForm {
            val (begins, goesOn) = Letters(first) to Letters(all)
            return TextForm(words, lengths) { text -> text[0] in begins && text.all { it in goesOn } }
        }
    }
}

/** Some characters of ASCII. */
private class Letters(
    letters: String,
) {
    private val isThere = BooleanArray(128).also { table -> letters.forEach { table[it.code] = true } }

    operator fun contains(letter: Char): Boolean = letter.code < isThere.size && isThere[letter.code]
}
