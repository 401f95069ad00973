"""An image as a vector, and the index over all vectors.

Belongs here: embeddings and their reader, the steps that need nothing but a vector, building and storing the index.
Stays out: asking the index: that is `search`.
"""
