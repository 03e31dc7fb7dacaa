"""The demo company's backends: small real HTTP services with data of their own. They need only the standard library."""
