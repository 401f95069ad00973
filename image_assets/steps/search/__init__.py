"""Finding images of the lake by words, by looks and by conditions.

Belongs here: asking gold and the vectors, the gallery beside gold, ranking, pages of hits, the sheet that shows them.
Stays out: building the index: that is `vectors`.
"""
