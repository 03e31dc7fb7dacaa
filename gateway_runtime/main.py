"""The entry of the gateway process: checks first, then the supervisor."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gateway_runtime.configuration.registration import RegistrationError, read_registration
from gateway_runtime.configuration.state_folder import StateFolder, StateFolderError
from gateway_runtime.handover import HandoverError, Predecessor
from gateway_runtime.link import Link
from gateway_runtime.local.files import FolderError
from gateway_runtime.log import capture_library_logs, log
from gateway_runtime.options import OptionError, Options, read_options
from gateway_runtime.policies.registry import custom_faults
from gateway_runtime.schema.revocation import EXIT_STATUS
from gateway_runtime.supervisor import AdminAddressError, Supervisor

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway. Returns the exit status: 2 with one sentence for a wrong set-up, 77 when it was revoked."""
    given = sys.argv[1:] if arguments is None else [*arguments]
    if given[:1] == ["dump"]:
        from gateway_runtime.local.dump import dump_main

        return dump_main(given[1:], os.environ)
    if given[:1] == ["probe"]:
        from gateway_runtime.probing import probe_main

        return probe_main(given[1:], os.environ)
    try:
        options = read_options(given, os.environ)
        if faults := custom_faults():
            print(*faults, sep="\n", file=sys.stderr)
            return USAGE_ERROR
        log.bind(process="supervisor")
        capture_library_logs()
        predecessor = Predecessor.find(os.environ)
        with _link(options, os.environ, predecessor) as link:
            log.bind(gateway=link.name)
            revoked = asyncio.run(_run(options, link, predecessor))
    except (
        OptionError, RegistrationError, StateFolderError, FolderError, AdminAddressError, HandoverError
    ) as error:  # fmt: skip
        print(error, file=sys.stderr)
        return USAGE_ERROR
    return EXIT_STATUS if revoked else 0


async def _run(options: Options, link: Link, predecessor: Predecessor | None) -> bool:
    """Run one replica to its end. Return whether that was because it was revoked."""
    supervisor = Supervisor(options, link, predecessor)
    await supervisor.run()
    return supervisor.revoked


@contextmanager
def _link(options: Options, environment: Mapping[str, str], predecessor: Predecessor | None) -> Iterator[Link]:
    """Yield the link that the options ask for. Only the one in use is imported."""
    if options.config is not None:
        from gateway_runtime.local.link import FilesLink

        yield FilesLink(options.config, environment)
        return
    from gateway_runtime.connected import PortalLink

    assert options.registration is not None
    registration = read_registration(options.registration)
    folder = StateFolder(options.state, predecessor.lock if predecessor is not None else None)
    try:
        yield PortalLink(registration, folder)
    finally:
        folder.close()
