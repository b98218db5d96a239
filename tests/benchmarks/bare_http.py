"""Asks the engine over its HTTP port with nothing of this program in between; prints tokens a second as they arrive.

The address and the request are arguments; the key comes on standard input.
"""

from __future__ import annotations

import http.client
import sys
import time
from urllib.parse import urlsplit

address = urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(address.hostname or "", address.port)
headers = {"Authorization": f"Bearer {sys.stdin.read()}", "Content-Type": "application/json"}
connection.request("POST", "/v1/chat/completions", sys.argv[2], headers)
arrivals = [time.perf_counter() for line in connection.getresponse() if b'"content":"' in line]
print((len(arrivals) - 1) / (arrivals[-1] - arrivals[0]))
