"""The training routings, one module each: what guides the routers of a model while it is trained.

`contract.py` says what one is. A part of another distribution belongs to the kind `routings`.
"""
