"""Options that are the same at many desks; what is a desk's own stands beside its client."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ticketing_clients._ticket import Status

Id = Annotated[int, msgspec.Meta(ge=1)]
StatusIds = dict[Status, Annotated[list[Id], msgspec.Meta(min_length=1)]]
AttributeName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]+$")]
SecretName = Annotated[str, msgspec.Meta(min_length=1)]
Bytes = Annotated[int, msgspec.Meta(ge=1)]
CaFile = Annotated[
    str, msgspec.Meta(description="PEM file of a private certificate authority that signs the server's certificate.")
]
CertificateFile = Annotated[
    str,
    msgspec.Meta(description="PEM file of this host's own certificate, with which it logs in; read anew each time."),
]
KeyFile = Annotated[
    str, msgspec.Meta(description="PEM file of that certificate's key; left out where it is in the same file.")
]
