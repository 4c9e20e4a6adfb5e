"""The worker's and the scheduler's way in. A message carries an id and nothing else; the work is a row."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callmama_privacy.settings")

app = Celery("callmama_privacy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def check_before_start(**_):
    from callmama_privacy.safety import refuse_unsafe_production

    refuse_unsafe_production()
