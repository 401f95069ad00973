"""The heart: which rows of a day are missing, computing them, committing them.

Belongs here: recipes, what is kept and what is wanted, streams of items and whole frames, chunks, workers, forgetting
what was refused.
Stays out: what any table holds.
"""
