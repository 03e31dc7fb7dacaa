"""The servers of a benchmark: the service behind, nginx and HAProxy beside, and the gateway itself."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.certificates import Authority

BODY = (
    '{"id":1,"customer":"c-17","lines":[{"sku":"A-1","quantity":2,"price":"19.90"},'
    '{"sku":"B-7","quantity":1,"price":"5.00"}],"total":"44.80","currency":"EUR","status":"shipped"}'
)
# Writes its settings into a folder and returns the command that listens on a port in front of that of a service.
Peer = Callable[[str, int, int], list[str]]
ROOT = Path(__file__).resolve().parents[2]

_NGINX = """
worker_processes 1; daemon off; master_process off; pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  {http}
}}
"""
# With `X-Seen` the answer says what has been seen. With `?n=` in the query it repeats that, so that every answer is
# another one.
_SERVICE = """
server {{ listen 127.0.0.1:{port}; default_type application/json;
  location / {{
    if ($http_x_seen) {{ return 200 '{{"uri":"$uri","seen":"$http_x_seen"}}'; }}
    if ($arg_n) {{ add_header ETag "$arg_n"; return 200 '{{"n":"$arg_n",{body}'; }}
    return 200 '{{{body}';
  }}
}}
"""
_PROXY = """
upstream service {{ server 127.0.0.1:{service}; keepalive 64; keepalive_requests 1000000000; }}
server {{ listen 127.0.0.1:{port}{tls}; location / {{
  proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id;
}} }}
"""
_TUNNELS = """
server {{ listen 127.0.0.1:{port}; location / {{
  proxy_pass http://127.0.0.1:{service}; proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "Upgrade";
}} }}
"""
_HAPROXY = """
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  timeout http-keep-alive 75s
  option http-keep-alive
  option forwardfor
  http-reuse always
listen proxy
  bind 127.0.0.1:{port}{tls}
  http-request set-header X-Request-Id %[uuid()]
  server service 127.0.0.1:{service}
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """Run a server until the block ends; give its process id once it listens."""
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                sys.exit(f"{command[0]} did not start.")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            # nginx without a master overlooks a signal that comes right before it waits for events.
            process.kill()
            process.wait()


def _nginx(folder: str, name: str, http: str) -> list[str]:
    path = Path(folder, f"{name}.conf")
    path.write_text(_NGINX.format(folder=folder, name=name, http=http))
    return ["nginx", "-e", f"{folder}/{name}.log", "-c", str(path)]


def service(folder: str, port: int) -> list[str]:
    """Return the command of the service behind every proxy: nginx answering by itself."""
    return _nginx(folder, "service", _SERVICE.format(port=port, body=BODY[1:]))


def nginx(folder: str, port: int, service_port: int) -> list[str]:
    """Return the command of nginx as a proxy."""
    return _nginx(folder, "proxy", _PROXY.format(service=service_port, port=port, tls=""))


def nginx_tls(folder: str, port: int, service_port: int) -> list[str]:
    """Return the command of nginx as a proxy that is spoken to with TLS, with session tickets as the gateway has."""
    path = _certificate(folder)
    tls = f" ssl; ssl_certificate {path}; ssl_certificate_key {path}; ssl_protocols TLSv1.2 TLSv1.3"
    return _nginx(folder, "proxy-tls", _PROXY.format(service=service_port, port=port, tls=tls))


def nginx_http2(folder: str, port: int, service_port: int) -> list[str]:
    """Return the command of nginx as a proxy that speaks HTTP/2 with its callers, too."""
    path = _certificate(folder)
    tls = f" ssl http2; ssl_certificate {path}; ssl_certificate_key {path}; ssl_protocols TLSv1.2 TLSv1.3"
    return _nginx(folder, "proxy-http2", _PROXY.format(service=service_port, port=port, tls=tls))


def nginx_tunnels(folder: str, port: int, service_port: int) -> list[str]:
    """Return the command of nginx as a proxy that passes WebSockets on."""
    return _nginx(folder, "proxy-tunnels", _TUNNELS.format(service=service_port, port=port))


def haproxy(folder: str, port: int, service_port: int, tls: str = "") -> list[str]:
    """Return the command of HAProxy with one thread."""
    path = Path(folder, f"haproxy-{port}.cfg")
    path.write_text(_HAPROXY.format(port=port, service=service_port, tls=tls))
    return ["haproxy", "-q", "-db", "-f", str(path)]


def haproxy_tls(folder: str, port: int, service_port: int) -> list[str]:
    """Return the command of HAProxy that is spoken to with TLS."""
    return haproxy(folder, port, service_port, f" ssl crt {_certificate(folder)}")


def _certificate(folder: str) -> Path:
    pair = Authority().issue("127.0.0.1")
    path = Path(folder, "tls.pem")
    path.write_text(pair.certificate + pair.key)
    return path


def gateway(port: int, service_port: int, case: str) -> list[str]:
    """Return the command of one worker of the gateway, with the Python that runs the benchmark."""
    return [sys.executable, "-m", "tests.benchmarks.bench_gateway", str(port), str(service_port), case]


def versions() -> dict[str, str]:
    """Return the versions of the programs that are installed, those of the servers and that of the load generator."""
    found = {}
    for name in ("nginx", "haproxy", "wrk"):
        if shutil.which(name):
            # wrk says its version and ends with 1.
            said = subprocess.run([name, "-v"], capture_output=True, text=True, check=False)
            version = re.search(r"\d+\.\d+\.\d+", said.stderr + said.stdout)
            found[name] = version[0] if version else "?"
    return found
