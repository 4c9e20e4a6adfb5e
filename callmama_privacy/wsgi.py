"""The web server's way in."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callmama_privacy.settings")
application = get_wsgi_application()

from callmama_privacy.safety import refuse_unsafe_production  # noqa: E402

refuse_unsafe_production()
