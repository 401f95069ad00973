"""What must be true of a committed day, each as a function that returns what is wrong.

Belongs here: conservation, schemas, files, drift, the index against the embeddings.
Stays out: severity and when to look: that is orchestration.
"""
