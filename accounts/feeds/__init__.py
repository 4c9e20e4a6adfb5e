"""Customers in, by signed messages of the service platform (mission R14; ``docs/feeds.md``).

``signing`` says whose a message is, ``messages`` what it says, ``taking`` stores it whole or not at all by the same
resources as the import of files, ``freshness`` until when a kind of data is known: what was not heard of in time does
not expire. The upper apps register their resources at start, so that this package knows none of them.
"""
