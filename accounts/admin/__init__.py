from accounts.admin import billing, consents, customers, evidence, staff  # noqa: F401
