"""What a cloud tells of the lake's objects: events in a queue.

Belongs here: the queue, its messages, and which upload's day one is about. Stays out: what follows from it. The queue's
client is an extra, and imported only where a queue is named.
"""
