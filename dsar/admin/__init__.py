from dsar.admin import corrections, intake, letters, mail, marketing, requests, tickets, weather  # noqa: F401
