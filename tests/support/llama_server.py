"""llama.cpp's server on a TCP port, as people run it.

Run with: python tests/support/llama_server.py MODEL NAME PORT KEY
"""

import sys
import threading

import xllamacpp


def main(model: str, name: str, port: str, key: str) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.model_alias = model, {name}
    parameters.n_ctx, parameters.n_parallel, parameters.kv_unified = 1024, 2, False
    parameters.verbosity, parameters.cache_ram_mib, parameters.n_batch = 1, 0, 128
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        threads.n_threads, threads.poll = 1, 0
    parameters.hostnames, parameters.port, parameters.api_keys = ["127.0.0.1"], int(port), [key]
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
