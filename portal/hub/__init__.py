"""The developer hub: catalog, reference, try-it and access for developers. Owns no tables of its own."""
