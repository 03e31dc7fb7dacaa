"""The portal as a WSGI application, for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()

# All pages are loaded once, before gunicorn makes its workers of this process. What is loaded stays: no worker's
# garbage collector looks through it again, nor takes memory of its own for it.
get_resolver()._populate()
gc.collect()
gc.freeze()
