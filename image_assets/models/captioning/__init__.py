"""Pictures into words: captions by a model or from tags, and the text that stands in a picture.

Belongs here: one module per way, and the protocol that they share.
Stays out: where the words are kept.
"""
