"""What readers get: curated rows, rejections, counts, the report of a day.

Belongs here: joins of what other steps made, and pages and files made of them.
Stays out: anything that looks at a picture.
"""
