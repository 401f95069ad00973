"""A believable feed of product photos, drawn by code: for demos, tests and training.

Belongs here: drawing, camera metadata, and the ways in which uploads go wrong.
Stays out: where the files are put.
"""
