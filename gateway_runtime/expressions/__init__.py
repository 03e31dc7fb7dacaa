"""The expression language `#[…]`: read, checked and compiled once, then plain closures over a request."""
