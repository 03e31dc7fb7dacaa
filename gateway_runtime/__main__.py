"""`python -m gateway_runtime`: run the gateway."""

import sys

from gateway_runtime.main import main

if __name__ == "__main__":
    sys.exit(main())
