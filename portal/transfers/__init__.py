"""Moving API instances: to and from declarative files, from one environment to another, and many at once."""
