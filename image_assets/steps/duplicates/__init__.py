"""Which images are one photo.

Belongs here: comparing a day with all days before it, the groups that follow, what people said of pairs.
Stays out: what is shown of a group.
"""
