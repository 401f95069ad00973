"""Questions that an encoder answers without training: tags and moderation.

Belongs here: vocabularies and policies (YAML), the sentences that stand for a word, calibrated answers.
Stays out: which image is asked about.
"""
