"""llama.cpp's server on a TCP port, as people run it.  Run with: python tests/llama_server.py MODEL NAME PORT KEY"""

import sys
import threading

import xllamacpp


def main(model: str, name: str, port: str, key: str) -> None:
    wanted = xllamacpp.CommonParams()
    wanted.model.path, wanted.model_alias = model, {name}
    wanted.n_ctx, wanted.n_parallel, wanted.kv_unified = 1024, 2, False
    wanted.verbosity, wanted.cache_ram_mib, wanted.n_batch = 1, 0, 128
    for threads in (wanted.cpuparams, wanted.cpuparams_batch):
        threads.n_threads, threads.poll = 1, 0
    wanted.hostnames, wanted.port, wanted.api_keys = ["127.0.0.1"], int(port), [key]
    server = xllamacpp.Server(wanted)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
