"""Packages: what answers a request for access or portability.

``categories`` says what is collected, from the data map; ``subject`` which rows are the person's; ``columns``,
``parties`` and ``tables`` how they are written; ``contents`` puts the archive together as a stream; ``building`` is the
worker's turn; ``states`` what officers do.
"""
