"""One schema per table: the single source of columns, types, descriptions and checks.

Belongs here: dataframely schemas and the list of them. A column's unit is in its name
(`width_px`, `size_bytes`, `blur_ratio`); `_at` is an instant in UTC.
Stays out: where tables are stored and how rows are made.
"""
