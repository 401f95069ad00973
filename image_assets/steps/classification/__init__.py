"""Which category an image has: by people, by a trained model, by the words of its category.

Belongs here: label decisions, the training set, training and evaluation, the champion, predictions.
Stays out: the arithmetic of models: that is `image_assets.models`.
"""
