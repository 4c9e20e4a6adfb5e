"""The worker's and the scheduler's way in. A message carries an id and nothing else; the work is a row."""

import logging
import os

from celery import Celery, Task
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callmama_privacy.settings")

log = logging.getLogger(__name__)


class WorkTask(Task):
    """A task that does nothing while the database is a restored copy; the row it would work on waits."""

    when_sealed = False  # whether it works even then

    def __call__(self, *args, **kwargs):
        from retention import restore

        if not self.when_sealed and restore.is_sealed():
            log.warning("sealed: %s does nothing", self.name)
            return None
        return super().__call__(*args, **kwargs)


app = Celery("callmama_privacy", task_cls=WorkTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def check_before_start(**_):
    from callmama_privacy.safety import refuse_unsafe_production

    refuse_unsafe_production()
