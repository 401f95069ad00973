"""Who may do what: keys and their roles, and links that anybody may follow for a while.

Belongs here: what is kept of keys in the lake, and the proofs that are checked against it.
Stays out: requests and their headers: those are of `serving`.
"""
