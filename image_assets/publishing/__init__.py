"""Copies of gold where people work.

Belongs here: how a day is put into somebody else's system, whole or not at all, and searched there.
Stays out: which rows those are (`steps.publishing`), Dagster. What a system needs is imported with its module alone.
"""
