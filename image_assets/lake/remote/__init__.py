"""A lake in a cloud: Azure Blob Storage, S3 or Google Cloud Storage, by one client for all three.

Belongs here: the object store over obstore, its claims, its names and its errors. Stays out: access tiers, queues and
whatever only one cloud has. Only `address` is imported before a lake in a cloud is asked for: obstore is an extra.
"""
