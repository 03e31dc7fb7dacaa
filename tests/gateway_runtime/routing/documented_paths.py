"""What the documents of Flex Gateway say of paths: base path, pattern, destination, request, what the service gets."""

# None: no route.
DOCUMENTED_PATHS: list[tuple[str, str, str, str, str | None]] = [
    ("", "/api/.*", "", "/api/foo/bar", "/api/foo/bar"),
    ("", "/api(/.*)", "", "/api/foo/bar", "/foo/bar"),
    ("", "/api/.*", "/orders", "/api/foo/bar", "/orders/api/foo/bar"),
    ("", "/api(/.*)", "/orders", "/api/foo/bar", "/orders/foo/bar"),
    ("/api", "/foo/.*", "", "/api/foo/bar", "/foo/bar"),
    ("/api", "/foo(/.*)", "", "/api/foo/bar", "/bar"),
    ("/api", "/foo/.*", "/orders", "/api/foo/bar", "/orders/foo/bar"),
    ("/api", "/foo(/.*)", "/orders", "/api/foo/bar", "/orders/bar"),
    ("/api", "/api/foo/.*", "/orders", "/api/foo/bar", None),
    ("/api", "/foo(/.*)/bar(/.*)", "", "/api/foo/abc/bar/def", "/abc/def"),
    ("/api", "/foo(/.*)/bar(/.*)", "/orders", "/api/foo/abc/bar/def", "/orders/abc/def"),
]
