"""Copies of gold where people work.

Belongs here: how a day is put into somebody else's system, whole or not at all, and searched there.
Stays out: which rows those are (`steps.publishing`), Dagster. A system's library comes with its package alone.
"""
