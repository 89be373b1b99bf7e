#!/usr/bin/env python3
"""A tiny HTTP(S) server with bad habits, for the tests of transport, client and credential sources.

Usage: https_server.py FOLDER. Makes certificates in FOLDER, listens on loopback ports that the
system chooses, prints one line "name=port ..." and serves until its standard input ends. The
parameter InstanceId of a request names what happens to it. The answers of the services that issue
credentials are in credential_services.py.
"""
import email.utils
import gzip
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import warnings

sys.dont_write_bytecode = True
import credential_services

EXTENSIONS = """[req]
distinguished_name = dn
[dn]
[authority]
basicConstraints = critical,CA:TRUE
[localhost]
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::ffff:127.0.0.1
[elsewhere]
subjectAltName = DNS:db.example.test
[ca]
default_ca = book
[book]
database = {0}/index.txt
rand_serial = yes
new_certs_dir = {0}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""

lock = threading.Condition()
connections = 0
requests = 0
last_request = {}
hanging = 0


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_key(folder, name, subject, *extra):
    openssl(folder, "req", "-config", "openssl.cnf", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-subj", subject, *extra)


def make_certificates(folder):
    with open(os.path.join(folder, "openssl.cnf"), "w") as out:
        out.write(EXTENSIONS.format(folder))
    open(os.path.join(folder, "index.txt"), "w").close()
    make_key(folder, "ca", "/CN=Test authority", "-x509", "-extensions", "authority", "-days", "2",
             "-out", "ca.pem")
    make_key(folder, "selfsigned", "/CN=localhost", "-x509", "-extensions", "localhost", "-days", "2",
             "-out", "selfsigned.pem")
    for name, extensions, dates in (
            ("good", "localhost", ["-days", "2"]),
            ("wrongname", "elsewhere", ["-days", "2"]),
            ("expired", "localhost", ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"])):
        make_key(folder, name, "/CN=localhost", "-new", "-out", name + ".csr")
        openssl(folder, "ca", "-config", "openssl.cnf", "-batch", "-notext", "-cert", "ca.pem", "-keyfile",
                "ca.key", "-in", name + ".csr", "-out", name + ".pem", "-extensions", extensions, *dates)


def context(folder, name):
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    result.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
    return result


def tls11_context(folder):
    result = context(folder, "good")
    result.set_ciphers("DEFAULT:@SECLEVEL=0")
    warnings.simplefilter("ignore", DeprecationWarning)  # the old version is the point
    result.minimum_version = ssl.TLSVersion.TLSv1
    result.maximum_version = ssl.TLSVersion.TLSv1_1
    return result


def answer(stream, body, status="200 OK", headers=(), length=None):
    head = ["HTTP/1.1 " + status, "Content-Length: %d" % (len(body) if length is None else length)]
    if not any(header.startswith("Date:") for header in headers):
        head.append("Date: " + email.utils.formatdate(usegmt=True))
    stream.write(("\r\n".join([*head, *headers]) + "\r\n\r\n").encode() + body)
    stream.flush()


def error(code, message="no"):
    return json.dumps({"RequestId": "R-1", "HostId": "h", "Code": code, "Message": message}).encode()


def running():
    return json.dumps({"Code": 200, "Success": True, "RequestId": "R-2",
                       "Data": {"ResultId": "async__1", "IsFinish": False, "State": "RUNNING"}}).encode()


def finished():
    return json.dumps({"Code": 200, "Success": True, "Data": {
        "IsFinish": True, "SessionData": {
            "SessionList": [{"SqlText": "\"UserStats\":[{]}" * 20}] * 50,
            "UserStats": [{"Key": "app", "TotalCount": 7, "ActiveCount": 2, "ThreadIdList": [1, 2]}]}}}).encode()


def drop(connection):
    """Ends the connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def handle(connection, stream, scenario, request, number, habit):
    """Answers one request. False when the connection is to be closed."""
    global hanging, last_request
    if habit.startswith("metadata"):
        status, body, headers = credential_services.metadata(habit, request)
        answer(stream, body, status, headers)
        return True
    if scenario == "last":  # the request before this one
        answer(stream, json.dumps({"requests": requests, "request": last_request}).encode())
        return True
    last_request = request
    if scenario == "sts":
        status, body, headers = credential_services.sts(request)
        answer(stream, body, status, headers)
    elif scenario == "credentials":
        answer(stream, json.dumps(credential_services.issued()).encode())
    elif scenario == "counts":  # the requests for credentials, by role
        answer(stream, json.dumps(credential_services.counts).encode())
    elif scenario == "seen":  # how many connections and requests there have been, and this request
        answer(stream, json.dumps({"connections": connections, "requests": requests,
                                   "request": request}).encode())
    elif scenario == "rm-test1":
        answer(stream, running())
    elif scenario == "finished":
        answer(stream, finished())
    elif scenario == "redirect":
        answer(stream, b"", "302 Found", ["Location: /?InstanceId=rm-test1"])
    elif scenario == "large":
        answer(stream, b"x" * (3 << 20))
    elif scenario == "list":  # large, but nearly all of it is left out
        answer(stream, b'{"SessionList":[' + b'{"SqlText":"select 1"},' * 100000 + b'0],"a":1}')
    elif scenario == "gzip":
        answer(stream, gzip.compress(running()), headers=["Content-Encoding: gzip"])
    elif scenario == "bomb":
        answer(stream, gzip.compress(b"x" * (64 << 20)), headers=["Content-Encoding: gzip"])
    elif scenario == "headers":
        answer(stream, b"", headers=["X-%d: %s" % (i, "h" * 1000) for i in range(3000)])
    elif scenario in ("silent", "silent_and_watched"):
        if scenario == "silent_and_watched":
            with lock:
                hanging += 1
                lock.notify_all()
        connection.settimeout(60)
        stream.read(1)
        return False
    elif scenario == "when_hanging":  # answers once another request is silent_and_watched
        with lock:
            lock.wait_for(lambda: hanging > 0)
        answer(stream, b"{}")
    elif scenario == "stalled":
        answer(stream, b"{", length=100)
        stream.read(1)
        return False
    elif scenario == "truncated":
        answer(stream, b"{", length=100)
        return False
    elif scenario == "reset":
        answer(stream, b"{", length=100)
        drop(connection)
        return False
    elif scenario == "empty":
        return False
    elif scenario == "second_is_dropped":
        if number > 1:
            return False
        answer(stream, b"{}")
    elif scenario == "throttled":
        answer(stream, error("Throttling.User"), "400 Bad Request", ["x-acs-retry-after: 1500"])
    elif scenario == "continue":
        stream.write(b"HTTP/1.1 103 Early Hints\r\nx-acs-retry-after: 1\r\n\r\n")
        answer(stream, b"{}")
    elif scenario == "html":
        answer(stream, b"<html><body>Bad gateway</body></html>", "502 Bad Gateway")
    elif scenario == "skew":
        answer(stream, error("InvalidTimeStamp.Expired"), "400 Bad Request",
               ["Date: " + email.utils.formatdate(time.time() + 3600, usegmt=True)])
    elif scenario == "echo_error":  # an error that repeats the keys
        values = [request.get("x-acs-security-token", ""), request.get("authorization", "")]
        answer(stream, error("InvalidParams", "token " + values[0] + " is odd"), "400 Bad Request")
    else:
        answer(stream, error("Unknown"), "404 Not Found")
    return True


def read_request(stream):
    line = stream.readline().decode()
    if not line:
        return None, None
    method, target, _ = line.split(" ", 2)
    headers = {":method": method, ":target": target}
    for header in iter(stream.readline, b"\r\n"):
        if not header:
            return None, None
        name, value = header.decode().split(":", 1)
        headers[name.strip().lower()] = value.strip()
    headers[":body"] = stream.read(int(headers.get("content-length", 0))).decode()
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
    return "sts" if "Action" in query else query.get("InstanceId", [""])[0], headers


def close(thing):
    try:
        if thing is not None:
            thing.close()
    except (OSError, ValueError):
        pass


def serve(connection, tls, habit):
    global connections, requests
    number = 0
    stream = None
    try:
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        with lock:
            connections += 1
        stream = connection.makefile("rwb")
        while True:
            scenario, request = read_request(stream)
            if scenario is None:
                break
            number += 1
            with lock:
                requests += 1
            if not handle(connection, stream, scenario, request, number, habit):
                break
    except (OSError, ValueError):
        pass  # a client that goes away is what many of the tests are about
    finally:
        close(stream)
        close(connection)


def accept(listener, tls, habit):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, tls, habit), daemon=True).start()


def listen(tls, habit=""):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, args=(listener, tls, habit), daemon=True).start()
    return listener.getsockname()[1]


def main():
    folder = sys.argv[1]
    make_certificates(folder)
    mute = socket.create_server(("127.0.0.1", 0))  # accepts nothing: handshakes never end
    ports = {"http": listen(None), "tls11": listen(tls11_context(folder)), "mute": mute.getsockname()[1]}
    for name in ("good", "wrongname", "expired", "selfsigned"):
        ports[name] = listen(context(folder, name))
    for habit in ("metadata", "metadata_plain", "metadata_bare"):
        ports[habit] = listen(None, habit)
    print(" ".join("%s=%d" % item for item in ports.items()), flush=True)
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)  # a test that crashed leaves nothing behind either


main()
