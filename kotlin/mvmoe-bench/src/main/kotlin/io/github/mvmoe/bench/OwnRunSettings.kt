package io.github.mvmoe.bench

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException

/**
 * How much a run of its own measures.
 *
 * @property threads what one graph may use.
 * @property repeats how often every subject is opened again and asked; six or more give intervals.
 * @property rounds of a repeat: in each every subject answers one image.
 * @property mostSeconds when a repeat ends with rounds left.
 * @property memory whether it is looked what each subject holds.
 * @property sustainedSeconds how long each subject answers without a pause at the end; 0 for not at all, 600 shows most phones' heat.
 * @throws InputException for a number that is out of range (`input.invalid`).
 */
public class OwnRunSettings
    @JvmOverloads
    constructor(
        public val threads: Int = 2,
        public val repeats: Int = 6,
        public val rounds: Int = 16,
        public val mostSeconds: Double = 20.0,
        public val memory: Boolean = false,
        public val sustainedSeconds: Double = 0.0,
    ) {
        init {
            requireInput(threads in 1..MOST_THREADS) { "threads $threads was given; expected 1 to $MOST_THREADS" }
            requireInput(repeats in 1..MOST_REPEATS) { "repeats $repeats was given; expected 1 to $MOST_REPEATS" }
            requireInput(rounds in 1..MOST_ROUNDS) { "rounds $rounds was given; expected 1 to $MOST_ROUNDS" }
            requireInput(
                mostSeconds > 0 && mostSeconds < MOST_SECONDS,
            ) { "$mostSeconds seconds of a repeat were given; expected 0 to a day" }
            requireInput(
                sustainedSeconds >= 0 && sustainedSeconds < MOST_SECONDS,
            ) { "$sustainedSeconds seconds were given; expected 0 to a day" }
        }

        internal fun preset() =
            Preset(
                name = "own",
                repeats = repeats,
                queries = rounds,
                seconds = 0.0,
                mostSeconds = mostSeconds,
                warmup = WARM_UP_ROUNDS,
                starts = if (memory) 1 else 0,
                stream = 0,
                cooldown = 0.0,
                sustained = sustainedSeconds,
            )

        private companion object {
            const val MOST_THREADS = 256
            const val MOST_REPEATS = 1000
            const val MOST_ROUNDS = 100_000
            const val MOST_SECONDS = 86_400.0
            const val WARM_UP_ROUNDS = 3

            fun requireInput(
                isFine: Boolean,
                sentence: () -> String,
            ) {
                if (!isFine) throw InputException(ErrorCode.INPUT_INVALID, sentence())
            }
        }
    }
