/// What the graphs of one stage of one target take of the stages before, and what they give; by their short names.
struct StageInterface {
  let inputs: NamedTypes

  let outputs: NamedTypes

  /// What each expert's graph gives for a slot, where another graph joins them.
  let ofExpert: NamedTypes
}
