# One gateway replica. Build in the root of a copy of Portico:
#   docker build -t portico-gateway -f deploy/docker/gateway.Dockerfile .
# It expects its registration at /registration/registration.yaml, owned by uid 10001, mode 0600.
FROM python:3.13-slim

WORKDIR /opt/portico
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY gateway_runtime gateway_runtime
# The command line, which exchanges a token for a registration. The rest of the portal stays outside.
COPY portal/__init__.py portal/env.py portal/
COPY portal/cli portal/cli

RUN useradd --system --uid 10001 --home-dir /nonexistent portico-gateway \
    && install -d -m 0700 -o portico-gateway /registration /state
USER portico-gateway
ENV PYTHONUNBUFFERED=1 \
    PORTICO_GATEWAY_REGISTRATION=/registration/registration.yaml \
    PORTICO_GATEWAY_STATE=/state
VOLUME ["/registration", "/state"]

# The container follows this one process, so a new version comes as a new container.
ENTRYPOINT ["python", "-m", "gateway_runtime", "--upgrade", "0"]
