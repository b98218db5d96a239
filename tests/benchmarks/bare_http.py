"""Asks the engine over its HTTP port with nothing of this program in between.

Prints, as JSON: seconds to the first token, tokens a second as they arrive, and processor time a token in microseconds.
The address and the request are arguments; the key comes on standard input.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from urllib.parse import urlsplit

address = urlsplit(sys.argv[1])
headers = {"Authorization": f"Bearer {sys.stdin.read()}", "Content-Type": "application/json"}
started, used = time.perf_counter(), time.process_time()
connection = http.client.HTTPConnection(address.hostname or "", address.port)
connection.request("POST", "/v1/chat/completions", sys.argv[2], headers)
arrivals = []
for line in connection.getresponse():
    if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
        arrivals.append(time.perf_counter())
figures = {
    "first_token_s": arrivals[0] - started,
    "tokens_per_s": (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]),
    "processor_us": (time.process_time() - used) / len(arrivals) * 1e6,
}
print(json.dumps(figures))
