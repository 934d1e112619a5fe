"""Stands before nginx and serves some paths badly: fault-server.py RULES.json

Takes port 80, hands every request on to nginx on 127.0.0.1:8080, and does to responses of paths that match a
rule what the rule says. Rules: [{"path": <regular expression>, "kind": "slow" | "stall" | "reset" | "refuse",
"bytesPerSecond": <slow>, "afterBytes": <how much of the body goes out before it stalls or is reset>}]
"""

import json
import re
import socket
import struct
import sys
import threading
import time

with open(sys.argv[1]) as rules_file:
    RULES = json.load(rules_file)


def read_head(connection, buffered):
    while b"\r\n\r\n" not in buffered:
        data = connection.recv(65536)
        if not data:
            return None, b""
        buffered += data
    head, rest = buffered.split(b"\r\n\r\n", 1)
    return head, rest


def reset(client):
    # Lingering for zero seconds makes close() send RST instead of FIN.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def serve(client):
    try:
        buffered = b""
        while True:
            head, buffered = read_head(client, buffered)
            if head is None:
                return
            path = head.split(b" ", 2)[1].decode("latin1")
            rule = next((rule for rule in RULES if re.search(rule["path"], path)), None)
            if rule and rule["kind"] == "refuse":
                reset(client)
                return
            lines = [l for l in head.split(b"\r\n") if not l.lower().startswith(b"connection:")]
            if not relay(client, b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n", rule):
                return
    except OSError:
        pass
    finally:
        client.close()


def relay(client, request, rule):
    """Sends one request to nginx and its response to the client. Whether the client's connection may go on."""
    upstream = socket.create_connection(("127.0.0.1", 8080))
    upstream.sendall(request)
    head, body = read_head(upstream, b"")
    if head is None:
        return False
    client.sendall(head + b"\r\n\r\n")
    sent = 0
    while True:
        if not body:
            body = upstream.recv(65536)
            if not body:
                return False
        if rule is None:
            client.sendall(body)
            body = b""
        elif rule["kind"] == "slow":
            # Small pieces, so that the rate holds within a second too.
            piece = body[: max(1, rule["bytesPerSecond"] // 20)]
            client.sendall(piece)
            body = body[len(piece):]
            time.sleep(len(piece) / rule["bytesPerSecond"])
        else:
            piece = body[: max(0, rule["afterBytes"] - sent)]
            client.sendall(piece)
            sent += len(piece)
            body = body[len(piece):]
            if sent >= rule["afterBytes"]:
                if rule["kind"] == "stall":
                    client.settimeout(None)
                    while client.recv(65536):  # says nothing more until the client gives up
                        pass
                    return False
                time.sleep(0.05)  # what was sent arrives before the reset discards it
                reset(client)
                return False


def main():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", 80))
    server.listen(256)
    while True:
        client, _ = server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(client,), daemon=True).start()


main()
