"""Where bytes and rows live, behind one root.

Belongs here: the object store, the names of objects, Parquet tables by day, the DuckDB warehouse.
Stays out: what the bytes and rows mean, and how they are made.
"""
