from dsar.models.deadlines import ClockEvent, DeadlineResult, WeatherWarning
from dsar.models.identity import Agent, ChallengeAnswer, Identifier, IdentityCode
from dsar.models.requests import RequestEvent, SubjectRequest, Watcher
from dsar.models.steps import RequestPace, RequestStep
from dsar.models.tickets import Ticket, TicketMessage

__all__ = [
    "Agent",
    "ChallengeAnswer",
    "ClockEvent",
    "DeadlineResult",
    "Identifier",
    "IdentityCode",
    "RequestEvent",
    "RequestPace",
    "RequestStep",
    "SubjectRequest",
    "Ticket",
    "TicketMessage",
    "Watcher",
    "WeatherWarning",
]
