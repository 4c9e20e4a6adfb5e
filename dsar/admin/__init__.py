from dsar.admin import requests, tickets, weather  # noqa: F401
