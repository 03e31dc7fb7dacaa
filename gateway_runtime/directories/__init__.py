"""User directories that policies ask who somebody is."""
