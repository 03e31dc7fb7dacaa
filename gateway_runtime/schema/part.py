"""The base of everything inside a document."""

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of everything inside a `Document`: many thousands of these make a tree, without any circle."""
