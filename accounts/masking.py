"""Values as those see them who need not see them in clear. One place; the data map says which columns."""


def mask(value: str) -> str:
    """Return ``value`` with its middle hidden: an e-mail keeps its first letter and domain, a number its ends.

    The length of what is hidden does not show.
    """
    if not value:
        return ""
    if "@" in value:
        name, _, domain = value.partition("@")
        return f"{name[:1]}•••@{domain}"
    if value.startswith("+"):
        return f"{value[:3]} ••• {value[-3:]}"
    return "•••"


def mask_sql(value: str) -> str:
    """Return the SQL that does to the text ``value`` what ``mask`` does."""
    is_number, number = mask_number_sql(value)
    return (
        f"CASE WHEN {is_number} THEN {number} WHEN {value} = '' THEN '' WHEN strpos({value}, '@') = 0 THEN '•••' "
        f"ELSE left(split_part({value}, '@', 1), 1) || '•••@' || substr({value}, strpos({value}, '@') + 1) END"
    )


def mask_number_sql(value: str) -> tuple[str, str]:
    """Return the SQL that says whether ``value`` is a number, and of what then stands for it: of most rows all there is to do."""
    return (
        f"ascii({value}) = 43 AND strpos({value}, '@') = 0",
        f"left({value}, 3) || ' ••• ' || right({value}, 3)",
    )
