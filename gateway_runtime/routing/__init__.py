"""Which API and route a request belongs to: base paths by dictionary, rules by RE2."""
