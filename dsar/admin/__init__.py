from dsar.admin import intake, mail, requests, tickets, weather  # noqa: F401
