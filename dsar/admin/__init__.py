from dsar.admin import intake, letters, mail, requests, tickets, weather  # noqa: F401
