"""Bringing in what lies elsewhere already: a source is scanned, its pictures are given days, and days are told of them.

Belongs here: which entries are pictures, of which day each is, the ledger of a scan, manifests. Stays out: reading a
manifest, which is how a day finds its uploads; taking a file in; walking a folder.
"""
