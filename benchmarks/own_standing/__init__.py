"""Our own standing: what routing, rewriting and exporting cost for one model of the paper."""
