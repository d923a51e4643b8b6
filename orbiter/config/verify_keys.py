"""The keys of images.toml about the tests of an image.

They are part of the types in ``schema``, which explains their ``Meta``. They affect neither lock
sets nor images: a test that is corrected after a release must not change the release.
"""

from typing import Annotated

from msgspec import Meta

from orbiter.config.runtime_keys import DURATION

DEFAULT_TIMEOUT = "10m"

Verify = Annotated[
    tuple[
        Annotated[
            str,
            Meta(
                description="Shell commands of one or more lines.",
                examples=["jupyter lab --version"],
                extra={"multiline": True},
            ),
        ],
        ...,
    ],
    Meta(
        description="Commands that must succeed in the image, for `orbiter test`, `orbiter push` "
        "and `orbiter release`. One that begins with ./ runs a file of the repository.",
        examples=[["python -c 'import numpy'", "jupyter lab --version", "./verify"]],
    ),
]
VerifyNotebooks = Annotated[
    tuple[str, ...],
    Meta(
        description="Notebooks of the repository, or patterns, that must run in the image without "
        "an error.",
        examples=[["tests/*.ipynb"]],
    ),
]
VerifyFiles = Annotated[
    tuple[str, ...],
    Meta(
        description="Other files or folders of the repository that the tests of the image need.",
        examples=[["tests/data/"]],
    ),
]
VerifyTimeout = Annotated[
    str,
    Meta(
        pattern=DURATION,
        description="The longest time for each test of the image, such as 90s or 1h30m; "
        f"{DEFAULT_TIMEOUT} by default.",
        examples=["90s"],
        extra={"expected": "a duration of at least 1ms, such as 1m30s or 500ms"},
    ),
]
