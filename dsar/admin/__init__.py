from dsar.admin import requests, tickets  # noqa: F401
