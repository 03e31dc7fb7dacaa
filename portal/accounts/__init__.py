"""People and their credentials for the portal: users, API tokens, sign-in."""
