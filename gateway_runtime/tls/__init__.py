"""TLS towards callers: certificates checked, contexts made once per revision, new ones taken by reference."""
