"""What every app is built from: records, scoped querysets, generic pages, tables, errors, secrets, Redis."""
