"""What people ask before and after a run: plan, history of an image, differences between recipes.

Belongs here: reading several rooms and computing nothing.
Stays out: writing.
"""
