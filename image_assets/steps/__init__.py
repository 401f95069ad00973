"""What happens to a day, in rooms, in the order in which an image meets them.

Belongs here: plain functions that take a day, the lake and frozen parameters and return counts.
Stays out: Dagster, settings, how a single image is treated.
"""
