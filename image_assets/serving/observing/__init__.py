"""What an operator sees of the service: metrics, logs, the audit trail, and whether it is ready.

Belongs here: measuring and telling. Stays out: deciding anything about a request.
"""
