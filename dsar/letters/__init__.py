"""Letters to people who ask: composed from approved words by kind, type, law and language, previewed, sent, and kept as sent."""
