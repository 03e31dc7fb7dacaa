"""How large an expression and what it makes may be. Nothing in the language repeats, so these bound its time too."""

SOURCE_LENGTH = 10_000  # characters of a setting
NODES = 500  # names, values and operators of one expression
DEPTH = 48  # of brackets inside brackets, selectors behind selectors
TEXT_LENGTH = 1_048_576  # characters (of binary: bytes) that an expression may put together
LIST_LENGTH = 10_000  # items that an expression may make
