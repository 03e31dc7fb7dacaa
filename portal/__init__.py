"""The portal: API manager, catalog, developer hub and analytics, in Django.

Importing the package costs nothing: the launcher and the demo's services live in it and need neither Django nor Celery.
"""
