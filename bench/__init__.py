"""Figures of speed and memory, measured on embedded servers of their own (``make bench``); never on the demo's data."""
