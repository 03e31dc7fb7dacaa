"""The demo company's customers: gentle traffic through the gateway that can be switched on and off."""
