from accounts.admin import billing, clients, consents, customers, evidence, feeds, keys, staff  # noqa: F401
