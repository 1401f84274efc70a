"""Computes items as the runner of a portion does, for the played lab of the stand-ins' tests: a state, then records, one by one.

Started as ``computing.py KIT RESULTS``, with requests on standard input. Runs under every version; what items print goes where the program prints.
"""

import os
import struct
import sys

HEAD = struct.Struct(">cI")


def main(kit, results):
    requests, sys.stdin = os.fdopen(os.dup(0), "rb"), open(os.devnull)
    sys.path[0] = kit
    from marx.runner.compat import path_text
    from marx.runner.loading import NotLoaded
    from marx.runner.portion import loader_of

    answering = None
    while True:
        head = requests.read(HEAD.size)
        if not head:
            return
        kind, size = HEAD.unpack(head)
        content, answer = requests.read(size), b""
        if kind == b"s":
            try:
                answering = loader_of(content)({"roots": [path_text(os.getcwd())], "folders": True})
            except NotLoaded as why:
                answer = why.failure.entry["message"].encode("utf-8")
        else:
            answer = answering(content)[1]
        sys.stdout.flush()
        os.write(results, struct.pack(">I", len(answer)))
        while answer:
            answer = answer[os.write(results, answer) :]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
