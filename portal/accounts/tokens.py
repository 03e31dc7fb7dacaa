"""What a token looks like: `portico_pat_`, 43 characters of randomness, 6 characters of checksum.

The prefix says what it opens and lets secret scanners find a leaked one; the checksum tells a mistyped one without
asking the database.
"""

import hashlib
import secrets
import zlib

PREFIX = "portico_pat_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_BYTES = 32
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6
LENGTH = len(PREFIX) + SECRET_LENGTH + CHECKSUM_LENGTH


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), CHECKSUM_LENGTH)


def new_token(prefix: str = PREFIX) -> str:
    """Return a new token with 256 bits of randomness."""
    body = prefix + _base62(int.from_bytes(secrets.token_bytes(SECRET_BYTES)), SECRET_LENGTH)
    return body + _checksum(body)


def is_well_formed(token: str, prefix: str = PREFIX) -> bool:
    """Tell whether the text can be a token of this kind at all."""
    if len(token) != LENGTH - len(PREFIX) + len(prefix) or not token.isascii() or not token.startswith(prefix):
        return False
    return secrets.compare_digest(token[-CHECKSUM_LENGTH:], _checksum(token[:-CHECKSUM_LENGTH]))


def digest_of(token: str) -> str:
    """Return what the database keeps: a plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def hint_of(token: str) -> str:
    """Return the recognisable beginning: the prefix and four characters more."""
    return token[: token.rindex("_") + 5]
