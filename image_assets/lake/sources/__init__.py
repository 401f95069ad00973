"""Places outside the lake whose files are registered where they lie, and only ever read.

Belongs here: the record of sources, walking one in a stable order, reading its files by keys of the lake.
Stays out: which entries become uploads, and of which day.
"""
