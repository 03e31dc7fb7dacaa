"""HTTP/1.1 towards the client: strict reading, one exchange at a time, streaming both ways."""
