"""Finding images again.

Belongs here: exact and approximate nearest neighbours over vectors and hashes.
Stays out: where vectors come from and how results are shown.
"""
