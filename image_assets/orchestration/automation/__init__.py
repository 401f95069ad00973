"""When things run by themselves: schedules, sensors, and who hears of failures.

Belongs here: cursors, run requests and their reasons.
Stays out: what a run does.
"""
