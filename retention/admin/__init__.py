from retention.admin import holds, jobs, rules  # noqa: F401
