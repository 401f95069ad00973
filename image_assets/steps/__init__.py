"""What happens to a day, one file per layer.

Belongs here: plain functions that take a day, the lake and frozen parameters and return counts.
Stays out: Dagster, settings, how a single image is treated.
"""
