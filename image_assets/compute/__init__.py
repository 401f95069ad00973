"""Where work runs: worker processes that may be killed without losing anything else.

Belongs here: spreading items over processes or machines, time and memory limits, isolation of a culprit.
Stays out: what the work is.
"""
