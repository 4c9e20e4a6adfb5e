"""What the workers do for packages. A message is a wake-up call; the row is the work."""

import datetime as dt
import uuid

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from dsar.packages import building, states
from retention.schedule import take_slot

HOURS = 6 * 3600  # 20 million calls take minutes; a message that comes a second time finds the lease and ends


@shared_task
def carry_on_packages() -> None:
    """Wake a worker for every package that nobody has in hand."""
    now = timezone.now()
    if not take_slot("carry_on_packages", now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        return
    states.discard_dropped()
    for package_id in building.to_build():
        build_package.delay(str(package_id))


@shared_task(soft_time_limit=HOURS, time_limit=HOURS + 60)
def build_package(package_id: str) -> None:
    """Make one package, of the data as of now."""
    building.build(uuid.UUID(package_id), now=timezone.now())
