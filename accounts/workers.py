"""Calling a worker from a page."""

import logging
from typing import Any

from celery import Task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
NOBODY_THERE = "The workers cannot be called just now: the broker does not answer."


def call_worker(task: Task, *args: Any, **kwargs: Any) -> bool:
    """Put a task into the workers' queue; return whether that was possible, within a second or two.

    The rows are the work and a task only a wake-up call, so whoever gets False tells the person when it is done instead.
    """
    try:
        task.delay(*args, **kwargs)
    except OperationalError:
        logger.warning("The broker does not answer; %s was not asked for.", task.name)
        return False
    return True
