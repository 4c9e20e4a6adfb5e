from telecom_records.admin import imports, numbers, recordings, traffic  # noqa: F401
