"""What people see of a materialization: counts, column schemas, lineage, plots and pictures.

Belongs here: turning reports and tables into metadata of Dagster.
Stays out: choosing when to show what.
"""
