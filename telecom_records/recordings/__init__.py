"""Recordings on their way in: what a sound is, what its name or a provider's list says of it, whose call it is of."""
