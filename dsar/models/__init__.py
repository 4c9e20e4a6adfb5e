from dsar.models.deadlines import ClockEvent, DeadlineResult, WeatherWarning
from dsar.models.requests import RequestEvent, SubjectRequest, Watcher
from dsar.models.steps import RequestPace, RequestStep
from dsar.models.tickets import Ticket, TicketMessage

__all__ = [
    "ClockEvent",
    "DeadlineResult",
    "RequestEvent",
    "RequestPace",
    "RequestStep",
    "SubjectRequest",
    "Ticket",
    "TicketMessage",
    "Watcher",
    "WeatherWarning",
]
