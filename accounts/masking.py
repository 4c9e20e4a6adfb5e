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
    return (
        f"CASE WHEN {value} = '' THEN '' "
        f"WHEN strpos({value}, '@') > 0 THEN left(split_part({value}, '@', 1), 1) || '•••@' || substr({value}, strpos({value}, '@') + 1) "
        f"WHEN left({value}, 1) = '+' THEN left({value}, 3) || ' ••• ' || right({value}, 3) ELSE '•••' END"
    )
