"""Which label a picture has: training, calibration, scores, and the record of it in MLflow.

Belongs here: the head on embeddings, fine-tuned networks, zero-shot as a classifier, their files, metrics and plots.
Stays out: which images are learnt from, and which model is in charge.
"""
