"""How large an expression and what it makes may be, and how long it may take: counted, never timed."""

SOURCE_LENGTH = 10_000  # characters of a setting
NODES = 500  # names, values and operators of one expression
DEPTH = 48  # of brackets inside brackets, selectors behind selectors
TEXT_LENGTH = 1_048_576  # characters (of binary: bytes) of a text that an expression puts together
LIST_LENGTH = 10_000  # items of a list or an object that an expression makes
STEPS = 300_000  # that one evaluation may take: see `counting.py`
RESULT_LENGTH = 16_777_216  # characters of a result that is written as JSON, form or text
# An expression of fewer parts that reads no body and repeats nothing is short whatever a request holds, so that its
# steps need no counting.
SHORT = 50
