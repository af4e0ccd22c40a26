package io.github.mvmoe.bench.subjects

import io.github.mvmoe.bench.EngineChoice
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Runner

/** The kinds of subjects that this program can make, by the names that orders have for them. */
internal val SUBJECT_KINDS: Map<String, SubjectKind> =
    mapOf(
        "dispatcher" to SubjectKind(DispatcherSubject::open),
        "bare" to SubjectKind(BareGraphs::open),
        "static" to wholeModel { staticName(it.routes.orEmpty()) },
        "all-experts" to wholeModel { WholeModel.ONE_GRAPH },
        "gather" to wholeModel { WholeModel.ONE_GRAPH },
    )

private fun wholeModel(pick: (Query) -> String) =
    SubjectKind { order, images, engines, watch -> WholeModel.open(order, images, engines, watch, pick) }

internal fun subjectKind(name: String): SubjectKind = checkNotNull(SUBJECT_KINDS[name]) { "no kind of subjects is called $name" }

/** The engine that an order asks for, of a target that is known by now. */
internal fun Engines.of(
    order: SubjectOrder,
    target: Target,
): Engine = engine(target.format, order.threads, order.engineOptions)

/** What a runner says that it is. */
internal fun Runner.choice() = EngineChoice(description, provider)
