from dsar.models.requests import RequestEvent, SubjectRequest
from dsar.models.tickets import Ticket, TicketMessage

__all__ = ["RequestEvent", "SubjectRequest", "Ticket", "TicketMessage"]
