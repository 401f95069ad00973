"""From an upload to its cleansed files.

Belongs here: the landing zone, sidecars, bronze, silver and what was said at the door: erased, dismissed, rejected.
Stays out: anything that a model says of an image.
"""
