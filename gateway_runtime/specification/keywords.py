"""The keywords of JSON Schema 2020-12 that hold further schemas, by how they hold them."""

ONE = (
    "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED = ("dependentSchemas", "patternProperties", "properties")
# These look at the same value again.
SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")


def held(schema: dict[str, object], key: str) -> list[object]:
    """Return the schemas that a keyword of a schema holds."""
    inner = schema.get(key)
    if inner is None:
        return []
    if isinstance(inner, list):
        return inner
    return list(inner.values()) if key in NAMED and isinstance(inner, dict) else [inner]
