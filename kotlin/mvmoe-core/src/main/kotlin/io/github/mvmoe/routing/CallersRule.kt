package io.github.mvmoe.routing

/**
 * A rule whose route the caller of the dispatcher may choose, by a name.
 *
 * Where there is no rule [otherwise], the stage has no router, and what selects without a chosen name raises
 * `routing.choice-missing`.
 */
internal interface CallersRule : Rule {
    /** What is chosen (`task`); one choice is made for all stages that name it. */
    val choice: String

    /** What may be chosen, with the route of each. */
    val named: Map<String, Route>

    /** The rule that decides where nothing was chosen. */
    val otherwise: Rule?

    /**
     * What gives every image the route of a name; of null the rule [otherwise].
     *
     * @throws io.github.mvmoe.InputException for an unknown name (`routing.choice-unknown`), and for null where no rule
     * decides otherwise (`routing.choice-missing`).
     */
    fun chosen(name: String?): Selector
}
