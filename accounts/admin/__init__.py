from accounts.admin import billing, consents, customers, evidence, feeds, keys, staff  # noqa: F401
