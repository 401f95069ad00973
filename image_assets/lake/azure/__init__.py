"""What only Azure has: accounts with several ways to log in, access tiers, and former versions of blobs.

Belongs here: who asks an account, and what is asked by Azure's own client. Stays out: reading and writing objects,
which `remote` does for all clouds alike. Azure's client is an extra and is imported when it is asked for.
"""
