"""HTTP/2 (RFC 9113), from callers and to services: the same exchange as over HTTP/1.1, in frames."""
