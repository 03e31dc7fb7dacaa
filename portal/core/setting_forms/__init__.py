"""Forms made from struct types: each field of a type is a control, whatever it belongs to."""
