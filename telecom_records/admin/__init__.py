from telecom_records.admin import imports, numbers, traffic  # noqa: F401
