"""One image: bytes or pixels in, values out.

Belongs here: decoding, orientation, colour, resizing, encoding, watermark, hashes and measures.
Stays out: files, tables, logging, processes. An image that cannot be used raises `ImageError`,
parameters that cannot be meant `ConfigurationError`.
"""
