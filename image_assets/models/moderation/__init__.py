"""Classifiers that look at a picture to moderate it.

Belongs here: what scores a picture, and the verdicts that policies make of the score.
Stays out: what a policy or a verdict is, and verdicts from vectors: that is `zero_shot`.
"""
