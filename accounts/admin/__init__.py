from accounts.admin import billing, consents, customers, evidence, keys, staff  # noqa: F401
