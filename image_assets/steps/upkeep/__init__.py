"""What goes, what comes back, what moves, what disagrees.

Belongs here: erasure, archive, reconciliation, scrubbing and repair.
Stays out: what a day run does.
"""
