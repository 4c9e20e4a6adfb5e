"""Why something is not in a package, by code: in words for the person, and the same for the officer who reviews it."""

from typing import Any

from dsar.packages.categories import Category

WHY: dict[str, str] = {
    "shared": "Of a workspace that several people share, and of a number that no one of them has alone: it cannot be said "
    "whose it is (GDPR Art. 15(4)).",
    "recycled": "Of a number that another customer, or another person, had at that time: it is theirs (GDPR Art. 15(4)).",
    "not_theirs": "Of a workspace whose contract is somebody else’s: its account is theirs to ask for.",
    "gone": "Its deletion had begun before your request came in; what is left of it is being deleted (policy § 5.2).",
    "file_destroyed": "The file itself was destroyed when its time was over; what is known of it is in the table.",
    "file_to_come": "The file itself has not come in from the provider that made it; what is known of it is in the table.",
    "file_damaged": "The stored file could not be read to its end.",
}
INTERNAL = "Our own bookkeeping: keys, hashes, and which member of staff did something. It says nothing of you."
SECRET = "A secret between us and the payment processor: whoever has it could act in your name."


def withheld_columns(categories: list[Category]) -> list[dict[str, Any]]:
    """Return the columns of each table that are not in it, and why."""
    found = []
    for category in categories:
        columns = category.entry.columns
        hidden = [name for name, column in columns.items() if not column.label and not column.file]
        secret = [name for name in hidden if columns[name].category.startswith("user.")]
        for names, why in ((secret, SECRET), ([name for name in hidden if name not in secret], INTERNAL)):
            if names:
                found.append({"category": category.name, "columns": names, "why": why})
    return found
