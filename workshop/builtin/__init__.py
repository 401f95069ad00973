"""The training of `builtin`, the small encoder in `image_assets/models/builtin`.

Belongs here: its architecture, the photos and sentences that it learns from, the loss, how good it came out.
Stays out: whatever is needed to use it.
"""
