package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.PlacementLine
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.subjects.of
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.engine.ReportsPlacement
import java.io.File

/** Where a subject's engine runs the operators of the first graph of each stage; an engine that does not say has no lines. */
internal object Placement : OneByOne() {
    override val isDecisive = false

    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        val bundle = Bundle.open(File(subject.root).canonicalFile, subject.manifestSha256)
        val target = bundle.target(checkNotNull(subject.target))
        bundle.verify(target.name)
        session.surroundings.engines.of(subject, target).open(bundle.root, target).use { runner ->
            if (runner !is ReportsPlacement) return
            for (graph in target.graphs.distinctBy { it.stage }) {
                session.emit(PlacementLine(session.order.job, subject.key, graph.name, runner.placement(graph)))
            }
        }
    }
}
