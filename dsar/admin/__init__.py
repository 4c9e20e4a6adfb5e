from dsar.admin import mail, requests, tickets, weather  # noqa: F401
