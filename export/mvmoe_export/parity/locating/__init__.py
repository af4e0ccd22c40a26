"""Which operator of an exported graph is the first to differ from the model's.

- `graphs_in_turn`: the first graph on an image's way that differs on what PyTorch gives it;
- `graph_values`: what the graph gives inside, by its target's tap (`graph_taps.py`);
- `reference_values`: what PyTorch gives at each node of the graph's program;
- `matching`: which value of the one is which of the other, and the first without a counterpart;
- `find`: all of these in a row.

Each graph is asked on the inputs that PyTorch has for it, so an error that an earlier stage passes
on is not found in a later one.
"""
