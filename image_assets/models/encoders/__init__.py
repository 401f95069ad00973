"""Pictures and texts as vectors of one space.

Belongs here: checkpoints, devices, preparation of pictures, and the encoder that they make.
Stays out: what is asked of the vectors.
"""
