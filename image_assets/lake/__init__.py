"""Where bytes and rows live, behind one root.

Belongs here: the object store, the names of objects, Parquet tables by day, DuckDB files that are made of them.
Stays out: what the bytes and rows mean, and how they are made.
"""
