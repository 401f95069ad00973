"""What models say of an image: tags, captions, text, moderation.

Belongs here: one module per table of answers, and the worker that reads text.
Stays out: the category of an image: that is `classification`.
"""
