"""A certificate authority made by the real openssl: a root, an issuer below it, and server certificates that are good or not."""

from __future__ import annotations

import ssl
import subprocess

SHOP = "subjectAltName=DNS:localhost,DNS:shop.example"


class Authority:
    """A root, an issuer below it, and server certificates, made by openssl in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.openssl("req", "-x509", *self.key("root"), "-out", "root.pem", "-days", "400", "-subj", "/CN=Test Root")
        self.sign("issuer", "root", 200, "basicConstraints=critical,CA:TRUE")
        self.sign("shop", "issuer", 5, SHOP)
        self.sign("late", "issuer", -1, SHOP)
        for name in ("shop", "late"):
            chain = "".join((folder / f"{part}.pem").read_text() for part in (name, "issuer"))
            (folder / f"{name}-chain.pem").write_text(chain)
        self.openssl(
            "req",
            "-x509",
            *self.key("alone"),
            "-out",
            "alone.pem",
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-addext",
            SHOP,
        )

    def openssl(self, *arguments):
        """Run it in the folder."""
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def key(self, name):
        """Return the arguments for a new key."""
        return "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"

    def sign(self, name, by, days, extension):
        """Make a certificate that lives for `days` from now."""
        (self.folder / "ext").write_text(extension)
        self.openssl("req", *self.key(name), "-out", "csr", "-subj", f"/CN={name}\\, Inc. NotAfter: x")
        life = ["-days", str(days)]
        if days < 0:  # x509 has no way to write an end in the past; ca has
            (self.folder / "index").write_text("")
            (self.folder / "serial").write_text("01\n")
            (self.folder / "ca.cnf").write_text(
                "[ca]\ndefault_ca=x\n[x]\ndatabase=index\nnew_certs_dir=.\nserial=serial\npolicy=p\n[p]\ncommonName=optional\n"
            )
            self.openssl(
                "ca", "-batch", "-config", "ca.cnf", "-in", "csr", "-out", f"{name}.pem", "-cert", f"{by}.pem", "-notext",
                "-keyfile", f"{by}.key", "-md", "sha256", "-extfile", "ext",
                "-startdate", "20200101000000Z", "-enddate", "20200201000000Z",
            )  # fmt: skip
            return
        self.openssl(
            "x509", "-req", "-in", "csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial", "-out", f"{name}.pem",
            *life, "-extfile", "ext",
        )  # fmt: skip

    def serving(self, chain, key):
        """Return a context of a server with this chain."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{chain}.pem", self.folder / f"{key}.key")
        return context
