"""How the encoder that the package ships was made: kept to make it again, not shipped.

Belongs here: what only its training needs: pictures drawn by code, sentences about pictures, the training itself.
Stays out: what runs at a user's. The workshop imports `image_assets`, never the other way round.
"""
