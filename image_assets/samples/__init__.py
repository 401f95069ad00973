"""A believable feed of product photos, made of a few real ones: for demos and tests.

Belongs here: the stock of photos, camera metadata, and the ways in which uploads go wrong.
Stays out: where the files are put.
"""
