"""The service: programs upload, ask and predict over HTTP.

Belongs here: requests and answers, who asks, what a running service holds. A route reads its request, calls one step or
question of the floors below, and says what came of it. This is the only code that imports FastAPI.
Stays out: what happens to an image, and Dagster.

Where do I go to …?
    add a route                     routes/, with the role that it needs
    give an error its status        problems.py
    say who may do what             callers.py, and image_assets.access for keys and links
    hold something while it runs    service.py
"""
