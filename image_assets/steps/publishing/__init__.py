"""Gold as others get it.

Belongs here: which rows of the lake are published, when, and whether what was published is what the lake has.
Stays out: how another system takes them (`image_assets.publishing`).
"""
