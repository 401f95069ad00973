"""Product photos drawn by code, of a known category, colour and pattern.

Belongs here: garments, cloth, backdrops and light.
Stays out: how pictures become uploads, which is told by `image_assets.samples`.
"""
