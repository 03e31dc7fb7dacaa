"""OpenAPI documents compiled for requests: which operation one is, whether it keeps to it, and what it would be given.

Policies read a specification through `compiled.py`. Nothing here opens a file or a connection.
"""
