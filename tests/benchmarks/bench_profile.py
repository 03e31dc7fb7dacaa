def measure(f, p):
    pass
