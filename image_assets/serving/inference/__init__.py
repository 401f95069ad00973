"""Models over HTTP: strangers' bytes become pixels, and pixels and texts become vectors and labels.

Belongs here: one thread that computes, batches of what waits for it, workers that decode, and how many may wait.
Stays out: routes, and what a model is.
"""
