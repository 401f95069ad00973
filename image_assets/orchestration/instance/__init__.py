"""The instance that `dagster dev` shows: its home, its files, what is wrong with them.

Belongs here: finding, making and opening it, and telling damage by file and remedy.
Stays out: what is stored in it.
"""
