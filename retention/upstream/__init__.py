"""Telling those outside who hold our customers' data that it must be erased there too (mission P12; Article 19 GDPR).

What they are told is chosen at INTENT, while the ids by which they know the customer still exist, and kept sealed. It is
sent when the deletion is DONE, again and again until they have confirmed. The work is a row (``Notice``); a worker that
dies between sending and writing it down leaves a lease that runs out, and the same notice goes out again under the same id.
"""
