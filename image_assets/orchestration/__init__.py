"""The only code that imports Dagster: what to run for which day, when, and what to show of it.

Belongs here: assets, checks, jobs, schedules, sensors, resources and metadata. An asset chooses its days,
calls one step and reports. Stays out: what a step does.
"""
