"""Runs: which there were, which are at work, and running days from a command line.

Belongs here: what Dagster remembers of runs, and the files that show that their processes live.
Stays out: when runs are asked for: that is `automation`.
"""
