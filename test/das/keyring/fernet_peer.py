#!/usr/bin/env python3
"""The accounts table's encryption by another implementation, python3-cryptography, for test_fernet.c.

Usage: fernet_peer.py encrypt|decrypt PASSWORD TEXT, the last two in hexadecimal. Prints the column, or
the secret in hexadecimal. Exit 77: that package is not installed.
"""
import base64
import sys

try:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
except ImportError:
    sys.exit(77)


def main():
    command, password, text = sys.argv[1], bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
    kdf = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=b"salt_32bytes_length_for_pbkdf2",
                     iterations=100000)
    fernet = Fernet(base64.urlsafe_b64encode(kdf.derive(password)))
    if command == "encrypt":
        print(base64.urlsafe_b64encode(fernet.encrypt(text)).decode())
    else:
        print(fernet.decrypt(base64.urlsafe_b64decode(text)).hex())


main()
