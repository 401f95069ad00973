"""Models: what is predicted, and how it is loaded, trained and run, in rooms; `builtin` is the shipped checkpoint.

Belongs here: networks, their questions and answers, devices and precision. Stays out: tables, days, storage layout.
"""
