"""`python -m portal.cli`."""

from portal.cli.commands import portico

if __name__ == "__main__":
    portico(prog_name="portico")
