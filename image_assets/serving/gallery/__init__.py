"""The gallery: pages for people, in which they look, search, review and decide.

A page is a route that asks the same functions as the service's own routes and fills in a template. Everything works
with links and forms; scripts only make it quicker.
"""
