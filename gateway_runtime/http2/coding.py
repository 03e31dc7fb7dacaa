"""The `h2` connection and its header coding (HPACK, RFC 7541), as a gateway needs them.

`h2` keeps the states and the windows. What a header means is judged by the gateway's own grammar, the same as for
HTTP/1.1, so the checks of `h2` are off, and a bad header ends its stream instead of the connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings
from hpack import Decoder, Encoder
from hyperframe.frame import SettingsFrame

from gateway_runtime.http2.frames import PREFACE

Field = tuple[bytes, bytes]

TABLE_BYTES = 4096
STREAM_WINDOW = 256 << 10
CONNECTION_WINDOW = 1 << 20
# What `h2` itself starts with (RFC 9113 section 6.9.2).
_FIRST_WINDOW = 65_535
_ANY_NUMBER = 2**31 - 1

_SHARED = {"header_encoding": None, "validate_outbound_headers": False, "normalize_outbound_headers": False,
           "validate_inbound_headers": False, "normalize_inbound_headers": False}  # fmt: skip
_AS_SERVER = H2Configuration(client_side=False, **_SHARED)  # type: ignore[arg-type]
_AS_CLIENT = H2Configuration(client_side=True, **_SHARED)  # type: ignore[arg-type]
_CONTENT_LENGTH = b"content-length"


class _Reading(Decoder):
    """Decodes header blocks and keeps the last one in `fields`.

    `h2` does not get to see Content-Length: it would end the connection where one stream is wrong.
    """

    fields: Sequence[Field] = ()

    def decode(self, data: bytes, raw: bool = False) -> Iterable[Any]:
        """Return what `h2` is to see. Raises what `Decoder` raises."""
        fields = self.fields = super().decode(data, raw=True)  # type: ignore[assignment]
        return [field for field in fields if field[0] != _CONTENT_LENGTH]


class _Writing(Encoder):
    """Encodes header blocks. A peer may not make it remember more than usual."""

    @property
    def header_table_size(self) -> int:
        """The size of the dynamic table in bytes."""
        return self.header_table.maxsize

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        value = min(value, TABLE_BYTES)
        if value != self.header_table.maxsize:
            self.header_table.maxsize = value
            self.table_size_changes.append(value)

    def encode(self, headers: Iterable[Any], huffman: bool = False) -> bytes:
        """Return a header block, without Huffman coding, which takes longer than the bytes it saves."""
        return super().encode(headers, huffman)


class Http2State(H2Connection):
    """One connection's states and windows. `decoder.fields` has the headers of the last event with headers."""

    decoder: _Reading
    encoder: _Writing

    # A connection that lives for long would otherwise remember tens of thousands.
    MAX_CLOSED_STREAMS = 1000

    def __init__(self, *, client: bool, header_bytes: int) -> None:
        super().__init__(_AS_CLIENT if client else _AS_SERVER)
        self.decoder = _Reading()
        # Above this no answer is possible, because decoding has to stop.
        self.decoder.max_header_list_size = 4 * header_bytes
        self.encoder = _Writing()
        settings: dict[Any, int] = {
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            SettingCodes.MAX_HEADER_LIST_SIZE: header_bytes,
            # `h2` would end the connection over one stream too many; whoever has it refuses the stream.
            SettingCodes.MAX_CONCURRENT_STREAMS: _ANY_NUMBER,
        }
        self.local_settings = Settings(client=client, initial_values=settings)

    def begin(self, streams: int = 0) -> bytes:
        """Return the first bytes to send: the preface of a client, the settings, the connection's window.

        A server takes `streams` at a time.
        """
        if streams:
            self.receive_data(PREFACE)  # that of the client is checked where frames are cut
        self.initiate_connection()
        self.clear_outbound_data_buffer()
        self.increment_flow_control_window(CONNECTION_WINDOW - _FIRST_WINDOW)
        frame = SettingsFrame(0)
        frame.settings = {
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            SettingCodes.MAX_HEADER_LIST_SIZE: self.local_settings[SettingCodes.MAX_HEADER_LIST_SIZE],
            **({SettingCodes.MAX_CONCURRENT_STREAMS: streams} if streams else {SettingCodes.ENABLE_PUSH: 0}),
        }
        return (b"" if streams else PREFACE) + frame.serialize() + self.data_to_send()
