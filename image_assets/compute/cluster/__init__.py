"""Work on several machines: actors of Ray, each of which does batches of items and may be lost with its machine.

Belongs here: the connection, who is hired on which node, what happens when one is lost, what actors and driver say.
Stays out: limits per item, which the worker processes of each node keep; what the work is.
"""
