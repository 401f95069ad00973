"""Neural networks: what is predicted and how it is loaded, trained and run.

Belongs here: encoders, classifiers and their training, devices and precision.
Stays out: tables, days, storage layout.
"""
