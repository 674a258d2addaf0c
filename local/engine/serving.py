"""How a gRPC server of ours is served to the engine: loopback, a port on the first line of standard output, a quiet end.

Owns the one convention that the language host and the providers share. Does not own what they answer.
"""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc

MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes. The engine's own limit (sdk/v3 `rpcutil`), so that neither side refuses what the other sends."""


def serve(
    register: Callable[[grpc.Server], None], *, port: int = 0, workers: int = 32, end_with_parent: bool = False
) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM, and print the port first.

    Port 0 lets the kernel choose. `end_with_parent` also stops when the parent process ends, for servers that an
    engine starts: an engine that was killed cannot interrupt them. Raises OSError when the port is taken.
    """
    options = [
        ("grpc.max_receive_message_length", MESSAGE_LIMIT),
        ("grpc.max_send_message_length", MESSAGE_LIMIT),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(ThreadPoolExecutor(max_workers=workers), options=options)
    register(server)
    try:
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError as error:
        raise OSError(f"cannot listen on 127.0.0.1:{port}: is it taken?") from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    server.start()
    print(bound, flush=True)
    if end_with_parent:
        while not stop.wait(1.0) and os.getppid() == parent:
            pass
    else:
        stop.wait()
    server.stop(grace=1.0).wait()
