"""Checks, one file per idea: what must be true of a day's tables and files, and what should be said of it.

Belongs here: which audit looks at which asset, how severe its finding is and what to do about it.
Stays out: how an audit finds it (steps).
"""
