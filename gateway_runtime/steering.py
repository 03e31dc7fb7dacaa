"""Choosing which of the sockets that share a port gets new connections.

The kernel keeps sockets that share a port (SO_REUSEPORT) in the order in which they began to listen, and spreads new
connections by a hash. A socket that closes takes with it, refused, the connections it has not accepted yet. So before
a process leaves, a small program (classic BPF, no privilege needed) sends new connections to its successor's sockets.
A number that no socket has makes the kernel use the hash again, so a wrong count costs nothing.
"""

import ctypes
import socket
import struct

SO_ATTACH_REUSEPORT_CBPF = 51
SO_DETACH_REUSEPORT_BPF = 68

_INSTRUCTION = struct.Struct("=HBBI")
_LOAD_ABSOLUTE, _MODULO, _ADD, _RETURN_RESULT = 0x20, 0x94, 0x04, 0x16
_RANDOM = 0xFFFFF000 + 56


def steer(descriptor: int, first: int, count: int) -> bool:
    """Send new connections of a port to `count` sockets from number `first` on; no count gives them to all again.

    Return whether the kernel agreed.
    """
    with socket.socket(fileno=socket.dup(descriptor)) as sharing:
        try:
            if not count:
                sharing.setsockopt(socket.SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0)
                return True
            steps = ((_LOAD_ABSOLUTE, _RANDOM), (_MODULO, count), (_ADD, first), (_RETURN_RESULT, 0))
            code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(step, 0, 0, k) for step, k in steps))
            program = struct.pack("@HP", len(steps), ctypes.addressof(code))
            sharing.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)
        except OSError:
            return False
    return True
